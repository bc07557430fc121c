#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace cnnc {

template <class T>
struct CacheLineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  CacheLineAllocator() = default;
  template <class Other>
  explicit CacheLineAllocator(const CacheLineAllocator<Other>& /*other*/) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kAlignment)); }
  void deallocate(T* values, std::size_t /*count*/) noexcept { ::operator delete(values, kAlignment); }
  bool operator==(const CacheLineAllocator&) const = default;
};

/// A vector whose first element starts a cache line.
template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

}  // namespace cnnc
