#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace cnnc {

/// A failure that the input or the machine caused. `code` is stable; `cell` and `gene` are indices
/// in the file, or -1 when the failure has no such place, so that the caller can add their names.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message, std::int64_t cell = -1, std::int64_t gene = -1)
      : std::runtime_error(message), code_(std::move(code)), cell_(cell), gene_(gene) {}

  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] std::int64_t cell() const noexcept { return cell_; }
  [[nodiscard]] std::int64_t gene() const noexcept { return gene_; }

 private:
  std::string code_;
  std::int64_t cell_;
  std::int64_t gene_;
};

/// Thrown when the caller's cancel flag was seen.
class Cancelled : public Error {
 public:
  Cancelled() : Error("CANCELLED", "Cancelled.") {}
};

}  // namespace cnnc
