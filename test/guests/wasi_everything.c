// Uses what WASI 0.1 has through wasi-libc, and prints only what is the same in every run: for
// tests that run it as a core module and as a component.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(const char* path) {
  DIR* dir = opendir(path);
  char* names[400];
  int count = 0;
  if (!dir) {
    printf("opendir %s: %s\n", path, strerror(errno));
    return;
  }
  for (struct dirent* entry; (entry = readdir(dir)) && count < 400;)
    names[count++] = strdup(entry->d_name);
  closedir(dir);
  qsort(names, count, sizeof *names, by_name);
  printf("%s:", path);
  for (int i = 0; i < count; ++i) printf(" %s", names[i]);
  printf("\n");
}

static void put(const char* path, int flags, const char* text) {
  int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
  if (fd < 0) {
    printf("open %s: %s\n", path, strerror(errno));
    return;
  }
  printf("%s: wrote %d\n", path, (int)write(fd, text, strlen(text)));
  close(fd);
}

static void files(void) {
  char text[64] = {0};
  struct stat a, b;
  mkdir("/d/sub", 0755);
  printf("mkdir again: %s\n", mkdir("/d/sub", 0755) ? strerror(errno) : "made");
  put("/d/sub/a", 0, "one two three");
  put("/d/sub/a", O_APPEND, " four");
  put("/d/sub/a", O_EXCL, "");
  int fd = open("/d/sub/a", O_RDWR);
  printf("seek %d, ", (int)lseek(fd, -4, SEEK_END));
  printf("read %d %s, ", (int)read(fd, text, 60), text);
  printf("pread %d, at %d, ", (int)pread(fd, text, 7, 0), (int)lseek(fd, 0, SEEK_CUR));
  printf("pwrite %d, truncate %d\n", (int)pwrite(fd, "ONE", 3, 0), ftruncate(fd, 7));
  fstat(fd, &a);
  stat("/d/sub/a", &b);
  printf("size %d, same file %d, directory %d\n", (int)a.st_size, a.st_ino == b.st_ino,
         S_ISDIR(b.st_mode));
  struct timespec times[2] = {{1000000, 5000}, {2000000, 7000}};
  futimens(fd, times);
  fstat(fd, &a);
  printf("times %lld %ld %lld %ld\n", (long long)a.st_atim.tv_sec, a.st_atim.tv_nsec,
         (long long)a.st_mtim.tv_sec, a.st_mtim.tv_nsec);
  printf("sync %d %d\n", fsync(fd), fdatasync(fd));
  close(fd);
  printf("closed: %s\n", read(fd, text, 1) < 0 ? strerror(errno) : "read");
  symlink("sub/a", "/d/link");
  memset(text, 0, sizeof text);
  printf("readlink %d %s\n", (int)readlink("/d/link", text, 60), text);
  rename("/d/sub/a", "/d/sub/b");
  link("/d/sub/b", "/d/sub/c");
  list("/d");
  list("/d/sub");
  printf("rmdir: %s\n", rmdir("/d/sub") ? strerror(errno) : "done");
  printf("no such: %s\n", open("/d/none", O_RDONLY) < 0 ? strerror(errno) : "open");
  printf("not a directory: %s\n", open("/d/sub/b/x", O_RDONLY) < 0 ? strerror(errno) : "open");
  fd = open("/d/sub", O_RDONLY);
  printf("read a directory: %s\n", read(fd, text, 1) < 0 ? strerror(errno) : "read");
  close(fd);
  for (int i = 0; i < 300; ++i) {  // more than one buffer of entries
    snprintf(text, sizeof text, "/d/many-with-a-longer-name-%03d", i);
    close(open(text, O_CREAT | O_WRONLY, 0644));
  }
  list("/d");
  int open_files[100];
  for (int i = 0; i < 100; ++i) open_files[i] = open("/d/sub/b", O_RDONLY);
  printf("last of many: %d\n", open_files[99]);
  unlink("/d/sub/b");
  unlink("/d/sub/c");
  printf("rmdir: %s\n", rmdir("/d/sub") ? strerror(errno) : "done");
}

int main(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) printf("arg %d: %s\n", i, i ? argv[i] : "program");
  printf("env: %s, %s\n", getenv("ONE"), getenv("EMPTY"));
  struct timespec before, after, resolution, pause = {0, 2000000};
  clock_getres(CLOCK_MONOTONIC, &resolution);
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&pause, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long waited = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  printf("waited %d, resolution %d, this century %d\n", waited >= 2000000, resolution.tv_nsec > 0,
         time(NULL) > 1700000000);
  unsigned char random[64] = {0}, any = 0;
  getentropy(random, sizeof random);
  for (int i = 0; i < 64; ++i) any |= random[i];
  printf("random %d\n", any != 0);
  printf("terminals %d %d\n", isatty(0), isatty(1));
  printf("seek on a stream: %s\n", lseek(1, 0, SEEK_CUR) < 0 ? strerror(errno) : "done");
  struct pollfd polls[] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
  printf("poll %d\n", poll(polls, 2, 1000) > 0);
  files();
  char line[100];
  while (fgets(line, sizeof line, stdin)) printf("in: %s", line);
  fprintf(stderr, "to standard error\n");
  return 7;
}
