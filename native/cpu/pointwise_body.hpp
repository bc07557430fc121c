// Included for each instruction set after lanes_body.hpp, inside a namespace of its own: no include guard, no
// includes. Each channel's sums keep their order, so that all instruction sets give the same bits.

/// What a value must be above to pass: that of a ReLU, or one that all finite numbers are above.
CNNC_INLINE_LOOP float floor_of(const PointwiseShape& shape) { return shape.relu ? 0.0F : -__builtin_inff(); }

/// Activations of one block of channels.
template <bool norm, class V>
struct Activation {
  V scale, shift, floor;

  CNNC_INLINE_LOOP Activation(const PointwiseShape& shape, const NormScale* scales, std::size_t first)
      : scale(norm ? load<V>(scales->scale + first) : V{}),
        shift(norm ? load<V>(scales->shift + first) : V{}),
        floor(all_lanes<V>(floor_of(shape))) {}

  CNNC_INLINE_LOOP V operator()(V x) const {
    if constexpr (norm) x = scale * x + shift;
    return x > floor ? x : floor;
  }
};

template <std::size_t count>
struct Fixed {
  constexpr operator std::size_t() const { return count; }  // NOLINT: it is a number
};

/// Calls body.operator()<pool>(its side), the side being known at compile time if it is 2.
template <class Body>
CNNC_INLINE_LOOP void with_pool(const PointwiseShape& shape, Body&& body) {
  const auto with_side = [&]<PoolKind pool>() __attribute__((always_inline)) {
    if (shape.pool_size == 2) {
      body.template operator()<pool>(Fixed<2>{});
    } else {
      body.template operator()<pool>(shape.pool_size);
    }
  };
  switch (shape.pool) {
    case PoolKind::none: return body.template operator()<PoolKind::none>(Fixed<1>{});
    case PoolKind::maximum: return with_side.template operator()<PoolKind::maximum>();
    case PoolKind::average: return with_side.template operator()<PoolKind::average>();
  }
}

template <bool norm, PoolKind pool, class Side, class T>
void forward_of(const PointwiseShape& shape, Side side, std::size_t images, const NormScale* scales,
                const T* __restrict in, T* __restrict out) {
  const float share = 1.0F / static_cast<float>(side * side);
  const std::size_t channels = shape.channels;
  const std::size_t out_width = shape.out_width();
  const std::size_t rows = images * shape.out_height();
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t image = row / shape.out_height();
    const T* in_row = in + (image * shape.height + row % shape.out_height() * side) * shape.width * channels;
    each_block(channels, [&]<class V>(std::size_t first) __attribute__((always_inline)) {
      const Activation<norm, V> activate(shape, scales, first);
      for (std::size_t x = 0; x < out_width; ++x) {
        const T* window = in_row + x * side * channels + first;
        V result = activate(load<V>(window));
        for (std::size_t wy = 0; wy < side; ++wy) {
          for (std::size_t wx = wy == 0 ? 1 : 0; wx < side; ++wx) {
            const V value = activate(load<V>(window + (wy * shape.width + wx) * channels));
            if constexpr (pool == PoolKind::average) {
              result += value;
            } else {
              result = value > result ? value : result;
            }
          }
        }
        if constexpr (pool == PoolKind::average) result *= share;
        store(out + (row * out_width + x) * channels + first, result);
      }
    });
  }
}

template <class T>
void forward(const PointwiseShape& shape, std::size_t images, const NormScale* norm, const T* in, T* out) {
  with_pool(shape, [&]<PoolKind pool>(auto side) {
    if (norm != nullptr) {
      forward_of<true, pool>(shape, side, images, norm, in, out);
    } else {
      forward_of<false, pool>(shape, side, images, nullptr, in, out);
    }
  });
}

/// Calls visit(input position, dy) for the pixels of a block of channels in the lines of windows that start at line y,
/// dy being the derivatives behind the normalisation. Pixels that fill no window get no derivative, but still count in
/// a normalisation.
template <bool norm, PoolKind pool, class V, class Side, class T, class Visit>
CNNC_INLINE_LOOP void visit_gradients(const PointwiseShape& shape, Side side, const NormScale* scales, const T* in,
                                      const T* d_out, std::size_t y, std::size_t first, Visit&& visit) {
  const Activation<norm, V> activate(shape, scales, first);
  const float share = 1.0F / static_cast<float>(side * side);
  const std::size_t channels = shape.channels;
  const auto visit_window = [&](std::size_t x, std::size_t rows, std::size_t columns, V gradient)
      __attribute__((always_inline)) {
        const auto position = [&](std::size_t wy, std::size_t wx) __attribute__((always_inline)) {
          return ((y + wy) * shape.width + x + wx) * channels + first;
        };
        [[maybe_unused]] V largest = activate.floor;
        if constexpr (pool == PoolKind::maximum) {
          for (std::size_t wy = 0; wy < rows; ++wy) {
            for (std::size_t wx = 0; wx < columns; ++wx) {
              const V value = activate(load<V>(in + position(wy, wx)));
              largest = value > largest ? value : largest;
            }
          }
        }
        for (std::size_t wy = 0; wy < rows; ++wy) {
          for (std::size_t wx = 0; wx < columns; ++wx) {
            const V value = activate(load<V>(in + position(wy, wx)));
            V dy = gradient;
            if constexpr (pool == PoolKind::maximum) {  // of equal values the first takes it
              dy = value == largest ? gradient : V{};
              gradient = value == largest ? V{} : gradient;
            }
            visit(position(wy, wx), value > activate.floor ? dy : V{});
          }
        }
      };
  if (y + side > shape.height) return visit_window(0, shape.height - y, shape.width, V{});
  const std::size_t out_width = shape.out_width();
  const T* d = d_out + y / side * out_width * channels + first;
  for (std::size_t x = 0; x < out_width; ++x) {
    V gradient = load<V>(d + x * channels);
    if constexpr (pool == PoolKind::average) gradient *= share;
    visit_window(x * side, side, side, gradient);
  }
  const std::size_t rest = out_width * side;
  if (rest < shape.width) visit_window(rest, side, shape.width - rest, V{});
}

template <class T>
void backward(const PointwiseShape& shape, std::size_t images, const T* __restrict in, const T* __restrict d_out,
              T* __restrict d_in) {
  with_pool(shape, [&]<PoolKind pool>(auto side) {
    for (std::size_t n = 0; n < images; ++n) {
      T* const result = d_in + n * shape.in_size();
      const auto store_dy = [&]<class V>(std::size_t position, V dy)
          __attribute__((always_inline)) { store(result + position, dy); };
      for (std::size_t y = 0; y < shape.height; y += side) {
        each_block(shape.channels, [&]<class V>(std::size_t first) __attribute__((always_inline)) {
          visit_gradients<false, pool, V>(shape, side, nullptr, in + n * shape.in_size(),
                                          d_out + n * shape.out_size(), y, first, store_dy);
        });
      }
    }
  });
}

template <class T>
void norm_sums(const PointwiseShape& shape, const NormScale& norm, const float* mean, const T* __restrict in,
               const T* __restrict d_out, float* __restrict sum_dy, float* __restrict sum_dy_x) {
  with_pool(shape, [&]<PoolKind pool>(auto side) {
    each_block(shape.channels, [&]<class V>(std::size_t first) __attribute__((always_inline)) {
      const V middle = load<V>(mean + first);
      V sum{};
      V sum_x{};
      const auto add = [&](std::size_t position, V dy) __attribute__((always_inline)) {
        sum += dy;
        sum_x += dy * (load<V>(in + position) - middle);
      };
      for (std::size_t y = 0; y < shape.height; y += side) {
        visit_gradients<true, pool, V>(shape, side, &norm, in, d_out, y, first, add);
      }
      store(sum_dy + first, sum);
      store(sum_dy_x + first, sum_x);
    });
  });
}

template <class T>
void norm_backward(const PointwiseShape& shape, std::size_t images, const NormScale& norm,
                   const NormGradient& gradient, const T* __restrict in, const T* __restrict d_out,
                   T* __restrict d_in) {
  with_pool(shape, [&]<PoolKind pool>(auto side) {
    for (std::size_t n = 0; n < images; ++n) {
      const T* const x = in + n * shape.in_size();
      T* const result = d_in + n * shape.in_size();
      for (std::size_t y = 0; y < shape.height; y += side) {
        each_block(shape.channels, [&]<class V>(std::size_t first) __attribute__((always_inline)) {
          const V a = load<V>(gradient.a + first);
          const V b = load<V>(gradient.b + first);
          const V c = load<V>(gradient.c + first);
          visit_gradients<true, pool, V>(shape, side, &norm, x, d_out + n * shape.out_size(), y, first,
                                         [&](std::size_t position, V dy) __attribute__((always_inline)) {
                                           store(result + position, a * dy + b * load<V>(x + position) + c);
                                         });
        });
      }
    }
  });
}

/// The sum of value(pixel), as that of even pixels and that of odd ones, so that additions need not wait for each other.
template <class V, class Value>
CNNC_INLINE_LOOP V sum_of_pixels(std::size_t pixels, Value&& value) {
  V even{};
  V odd{};
  std::size_t pixel = 0;
  for (; pixel + 2 <= pixels; pixel += 2) {
    even += value(pixel);
    odd += value(pixel + 1);
  }
  if (pixel < pixels) even += value(pixel);
  return even + odd;
}

template <class T>
void moments(std::size_t pixels, std::size_t channels, const T* __restrict in, float* __restrict mean,
             float* __restrict squares) {
  each_block(channels, [&]<class V>(std::size_t first) __attribute__((always_inline)) {
    const auto value = [&](std::size_t pixel) __attribute__((always_inline)) {
      return load<V>(in + pixel * channels + first);
    };
    const V middle = sum_of_pixels<V>(pixels, value) / static_cast<float>(pixels);
    const auto squared_distance = [&](std::size_t pixel) __attribute__((always_inline)) {
      const V distance = value(pixel) - middle;
      return distance * distance;
    };
    store(mean + first, middle);
    store(squares + first, sum_of_pixels<V>(pixels, squared_distance));
  });
}

template <class T>
void mask_negative(std::size_t count, const T* __restrict x, T* __restrict d) {
  for (std::size_t i = 0; i < count; ++i) d[i] = load<float>(x + i) > 0 ? d[i] : T{};
}

/// Upper and lower words of products.
struct Product {
  LaneWords upper, lower;
};

CNNC_INLINE_LOOP Product product_of(LaneWords words, std::uint32_t factor) {
  const LanePairs factors = factor - LanePairs{};
  const auto pairs = reinterpret_cast<LanePairs>(words);
  const LanePairs even = wide_products(pairs, factors);
  const LanePairs odd = wide_products(pairs >> 32, factors);
  constexpr std::uint64_t kUpper = 0xFFFFFFFF00000000;
  return {reinterpret_cast<LaneWords>(even >> 32 | (odd & kUpper)),
          reinterpret_cast<LaneWords>((even & ~kUpper) | odd << 32)};
}

/// philox4x32 of as many counters as there are lanes.
CNNC_INLINE_LOOP void philox_lanes(LaneWords (&words)[4], PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const Product product0 = product_of(words[0], kPhiloxFactor0);
    const Product product1 = product_of(words[2], kPhiloxFactor1);
    words[0] = product1.upper ^ words[1] ^ key[0];
    words[1] = product1.lower;
    words[2] = product0.upper ^ words[3] ^ key[1];
    words[3] = product0.lower;
    key = next_philox_key(key);
  }
}

/// Two bytes, in the lower half of each word: 1 where a half of the word is not below `dropped`.
CNNC_INLINE_LOOP LaneWords kept_bytes(LaneWords word, std::uint32_t dropped) {
  const auto lower = reinterpret_cast<LaneWords>((word & 0xFFFF) >= dropped);
  const auto upper = reinterpret_cast<LaneWords>((word >> 16) >= dropped);
  return (lower & 0x1) | (upper & 0x100);
}

inline void fill_mask(const DropoutMask& mask, std::uint32_t image, std::size_t count, std::uint8_t* __restrict keep) {
  static_assert(DropoutMask::kPerBlock == 2 * sizeof(std::uint32_t));
  static_assert(std::endian::native == std::endian::little);  // the bytes of words are in the order of elements
  constexpr std::size_t kElements = kLanes * DropoutMask::kPerBlock;
  LaneWords lane;
  for (std::size_t i = 0; i < kLanes; ++i) lane[i] = static_cast<std::uint32_t>(i);
  for (std::size_t first = 0; first < count; first += kElements) {
    const auto start = mask.block_counter(image, static_cast<std::uint32_t>(first / DropoutMask::kPerBlock));
    LaneWords words[4] = {lane + start[0], start[1] - LaneWords{}, start[2] - LaneWords{}, start[3] - LaneWords{}};
    philox_lanes(words, mask.philox_key());
    const LaneWords halves[2] = {
        kept_bytes(words[0], mask.dropped()) | kept_bytes(words[1], mask.dropped()) << 16,
        kept_bytes(words[2], mask.dropped()) | kept_bytes(words[3], mask.dropped()) << 16,
    };
    std::uint32_t bytes[2 * kLanes];  // in the order of elements
    for (std::size_t i = 0; i < kLanes; ++i) {
      bytes[2 * i] = halves[0][i];
      bytes[2 * i + 1] = halves[1][i];
    }
    __builtin_memcpy(keep + first, bytes, count - first < kElements ? count - first : kElements);
  }
}

template <class T>
void apply_mask(std::size_t count, const std::uint8_t* __restrict keep, float factor, T* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) {
    store(values + i, keep[i] != 0 ? load<float>(values + i) * factor : 0.0F);
  }
}

template <class T>
void from_float(std::size_t count, const float* __restrict in, T* __restrict out) {
  each_block(count, [&]<class V>(std::size_t i) __attribute__((always_inline)) { store(out + i, load<V>(in + i)); });
}

template <class T>
void to_float(std::size_t count, const T* __restrict in, float* __restrict out) {
  each_block(count, [&]<class V>(std::size_t i) __attribute__((always_inline)) { store(out + i, load<V>(in + i)); });
}

template <class T>
constexpr PointwiseKernels<T> kKernels{forward<T>,       backward<T>, norm_sums<T>,  norm_backward<T>, moments<T>,
                                       mask_negative<T>, fill_mask,   apply_mask<T>, from_float<T>,    to_float<T>};
