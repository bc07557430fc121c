#include "core/file_access.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.hpp"

namespace cnnc {

void read_at(int file, std::uint64_t position, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw Error("FILE_UNREADABLE", std::generic_category().message(errno));
    if (done == 0) throw Error("FILE_TRUNCATED", "the file ends too soon");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    position += static_cast<std::uint64_t>(done);
  }
}

void write_at(int file, std::uint64_t position, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      const bool full = errno == ENOSPC || errno == EDQUOT;
      throw Error(full ? "DISK_FULL" : "WRITE_FAILED", std::generic_category().message(errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    position += static_cast<std::uint64_t>(done);
  }
}

}  // namespace cnnc
