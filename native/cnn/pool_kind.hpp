#pragma once

#include <cstdint>

namespace cnnc {

enum class PoolKind : std::uint8_t { none, maximum, average };

}  // namespace cnnc
