// The floor that process start is measured against: a C++ program linked as sedge is (static
// libstdc++, dynamic glibc) that writes the same line as hello.wat. It uses a string and a
// formatted write so that the C++ library is really there.
#include <unistd.h>

#include <string>

int main(int argc, char**) {
  std::string line = "hello";
  line.append(static_cast<size_t>(argc), '\n');
  return write(1, line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 1;
}
