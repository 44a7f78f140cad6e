#!/usr/bin/env bash
# setup.sh [aarch64|riscv64]: installs, on Debian 12 or newer, the packages that building, testing and
# the demo need; with an architecture, also what scripts/cross.sh needs for it (for aarch64 libraries
# of Debian's arm64 archive, for which dpkg is told of that architecture).
# Does nothing when all of them are there; uses sudo when not run as root.
set -euo pipefail

packages=(
  # compilers, for the program and for the demo's wasm function
  clang-22 lld-22 llvm-22 libclang-rt-22-dev libstdc++-12-dev
  # sedgec, the optimising compiler
  llvm-22-dev libpolly-22-dev liblld-22-dev libzstd-dev zlib1g-dev
  wasi-libc libclang-rt-22-dev-wasm32
  # build
  cmake ninja-build ccache make pkg-config
  # libraries; all but GoogleTest, Google Benchmark and libyaml are used as headers only
  libfmt-dev libyaml-dev libgtest-dev libbenchmark-dev
  # the server's content codings, linked statically
  zlib1g-dev libbrotli-dev libzstd-dev
  # TLS of outgoing connections and HTTP/2, linked statically
  libssl-dev libnghttp2-dev
  # files of wasi:keyvalue, linked statically
  libsqlite3-dev
  # lint
  clang-format-22 clang-tidy-22
  # demo and scripts
  curl python3 git ca-certificates
  # what `sedge opt` runs
  binaryen
)

foreign=
case ${1:-} in
  "") ;;
  aarch64)
    foreign=arm64
    packages+=(g++-aarch64-linux-gnu qemu-user)
    packages+=(libyaml-dev:arm64 zlib1g-dev:arm64 libbrotli-dev:arm64 libzstd-dev:arm64
      libssl-dev:arm64 libnghttp2-dev:arm64 libsqlite3-dev:arm64 libgtest-dev:arm64)
    ;;
  riscv64) packages+=(g++-riscv64-linux-gnu qemu-user) ;;
  *)
    echo "usage: scripts/setup.sh [aarch64|riscv64]" >&2
    exit 2
    ;;
esac

missing=()
native=$(dpkg --print-architecture 2>/dev/null || true)
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}:${Architecture}\n' "${packages[@]}" \
  2>/dev/null || true)
for package in "${packages[@]}"; do
  case $package in
    *:*) names=("$package") ;;
    *) names=("$package:$native" "$package:all") ;;
  esac
  found=
  for name in "${names[@]}"; do
    [[ $'\n'$installed$'\n' != *$'\n'"installed $name"$'\n'* ]] || found=yes
  done
  [ -n "$found" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "setup: this system has no apt-get; install by its own means: ${missing[*]}" >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: not root and no sudo; as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1; then
    echo "setup: 'apt-get $*' failed:" >&2
    tail -n 20 "$log" >&2
    return 1
  fi
}
if [ -n "$foreign" ] && [ "$foreign" != "$native" ]; then
  "${root[@]}" dpkg --add-architecture "$foreign"
fi
# The package lists may be missing or old: refresh once, and go on if only that fails.
apt update || true
apt install -y --no-install-recommends "${missing[@]}"
