#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cnnc {

/// Fills `bytes` from an open file. `file` is a descriptor that the caller keeps open.
/// Throws Error FILE_TRUNCATED when the file ends before, FILE_UNREADABLE with the system's reason.
void read_at(int file, std::uint64_t position, std::span<std::byte> bytes);

/// Writes all of `bytes`. Throws Error DISK_FULL or WRITE_FAILED.
void write_at(int file, std::uint64_t position, std::span<const std::byte> bytes);

}  // namespace cnnc
