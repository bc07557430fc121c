// Included by each instruction set's file, inside a namespace of its own: no include guard, no includes.
// Loops run over channels innermost and each channel's sums keep their order, so that all give the same bits.

#define CNNC_INLINE_LOOP __attribute__((always_inline)) inline

/// Channels worked on at a time; sums of so many stay in registers.
constexpr std::size_t kBlock = 32;

template <std::size_t count>
struct Fixed {
  constexpr operator std::size_t() const { return count; }  // NOLINT: it is a number
};

/// Calls work(first channel, number of channels) block by block; full and half blocks have their number at compile
/// time, so that loops over them are unrolled.
template <class Work>
CNNC_INLINE_LOOP void each_block(std::size_t channels, Work&& work) {
  std::size_t first = 0;
  for (; first + kBlock <= channels; first += kBlock) work(first, Fixed<kBlock>{});
  if (first + kBlock / 2 <= channels) {
    work(first, Fixed<kBlock / 2>{});
    first += kBlock / 2;
  }
  if (first < channels) work(first, channels - first);
}

CNNC_INLINE_LOOP float load(const float* values, std::size_t i) { return values[i]; }
CNNC_INLINE_LOOP float load(const Bf16* values, std::size_t i) {
  return float_of(values[i]);
}
CNNC_INLINE_LOOP void store(float* values, std::size_t i, float value) { values[i] = value; }
CNNC_INLINE_LOOP void store(Bf16* values, std::size_t i, float value) { values[i] = bf16_of(value); }

/// What a value must be above to pass: that of a ReLU, or one that all finite numbers are above.
CNNC_INLINE_LOOP float floor_of(const PointwiseShape& shape) {
  return shape.relu ? 0.0F : -__builtin_inff();
}

template <bool norm>
CNNC_INLINE_LOOP float activate(float x, float scale, float shift, float floor) {
  if constexpr (norm) x = scale * x + shift;
  return x > floor ? x : floor;
}

template <bool norm, PoolKind pool, class T>
void forward_of(const PointwiseShape& shape, std::size_t images, const NormScale* scales, const T* __restrict in,
                T* __restrict out) {
  const float floor = floor_of(shape);
  const std::size_t size = pool == PoolKind::none ? 1 : shape.pool_size;
  const float share = 1.0F / static_cast<float>(size * size);
  const std::size_t channels = shape.channels;
  const std::size_t out_width = shape.out_width();
  const std::size_t rows = images * shape.out_height();
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t image = row / shape.out_height();
    const T* in_row = in + (image * shape.height + row % shape.out_height() * size) * shape.width * channels;
    for (std::size_t x = 0; x < out_width; ++x) {
      const T* window = in_row + x * size * channels;
      T* result = out + (row * out_width + x) * channels;
      each_block(channels, [&](std::size_t first, auto count) __attribute__((always_inline)) {
        float values[kBlock] = {};
        const float* scale = norm ? scales->scale + first : nullptr;
        const float* shift = norm ? scales->shift + first : nullptr;
        for (std::size_t wy = 0; wy < size; ++wy) {
          for (std::size_t wx = 0; wx < size; ++wx) {
            const T* member = window + (wy * shape.width + wx) * channels + first;
            const bool start = wy + wx == 0;
            for (std::size_t c = 0; c < count; ++c) {
              const float value = activate<norm>(load(member, c), norm ? scale[c] : 1, norm ? shift[c] : 0, floor);
              if constexpr (pool == PoolKind::average) {
                values[c] = start ? value : values[c] + value;
              } else {
                values[c] = start || value > values[c] ? value : values[c];
              }
            }
          }
        }
        for (std::size_t c = 0; c < count; ++c) {
          store(result, first + c, pool == PoolKind::average ? values[c] * share : values[c]);
        }
      });
    }
  }
}

/// Calls body.template operator()<pool>() for the shape's.
template <class Body>
CNNC_INLINE_LOOP void with_pool(const PointwiseShape& shape, Body&& body) {
  switch (shape.pool) {
    case PoolKind::none: return body.template operator()<PoolKind::none>();
    case PoolKind::maximum: return body.template operator()<PoolKind::maximum>();
    case PoolKind::average: return body.template operator()<PoolKind::average>();
  }
}

template <class T>
void forward(const PointwiseShape& shape, std::size_t images, const NormScale* norm, const T* in, T* out) {
  with_pool(shape, [&]<PoolKind pool>() {
    if (norm != nullptr) {
      forward_of<true, pool>(shape, images, norm, in, out);
    } else {
      forward_of<false, pool>(shape, images, nullptr, in, out);
    }
  });
}

/// Calls visit(input position of a channel block, its first channel, channels, dy) for every pixel of an image,
/// dy being the derivatives behind the normalisation.
template <bool norm, PoolKind pool, class T, class Visit>
CNNC_INLINE_LOOP void visit_gradients(const PointwiseShape& shape, const NormScale* scales, const T* in,
                                      const T* d_out, Visit&& visit) {
  const float floor = floor_of(shape);
  const std::size_t size = pool == PoolKind::none ? 1 : shape.pool_size;
  const float share = 1.0F / static_cast<float>(size * size);
  const std::size_t channels = shape.channels;
  const std::size_t out_width = shape.out_width();
  const std::size_t out_height = shape.out_height();
  each_block(channels, [&](std::size_t first, auto count) __attribute__((always_inline)) {
    const float* scale = norm ? scales->scale + first : nullptr;
    const float* shift = norm ? scales->shift + first : nullptr;
    for (std::size_t y = 0; y < shape.height; y += size) {
      for (std::size_t x = 0; x < shape.width; x += size) {
        const bool whole = y / size < out_height && x / size < out_width;
        const T* d = d_out + (y / size * out_width + x / size) * channels + first;
        float largest[kBlock];
        std::uint32_t taken[kBlock];  // as wide as the values, so that both fill the same registers
        if constexpr (pool == PoolKind::maximum) {
          for (std::size_t c = 0; c < count; ++c) taken[c] = 0;
          for (std::size_t w = 0; whole && w < size * size; ++w) {
            const T* member = in + ((y + w / size) * shape.width + x + w % size) * channels + first;
            for (std::size_t c = 0; c < count; ++c) {
              const float value = activate<norm>(load(member, c), norm ? scale[c] : 1, norm ? shift[c] : 0, floor);
              largest[c] = w == 0 || value > largest[c] ? value : largest[c];
            }
          }
        }
        // Pixels that fill no window get no derivative, but still count in a normalisation.
        for (std::size_t w = 0; w < size * size; ++w) {
          if (y + w / size >= shape.height || x + w % size >= shape.width) continue;
          const std::size_t position = ((y + w / size) * shape.width + x + w % size) * channels + first;
          float dy[kBlock];
          for (std::size_t c = 0; c < count; ++c) {
            const float value =
                activate<norm>(load(in, position + c), norm ? scale[c] : 1, norm ? shift[c] : 0, floor);
            float gradient = whole ? load(d, c) : 0;
            if constexpr (pool == PoolKind::average) gradient *= share;
            if constexpr (pool == PoolKind::maximum) {
              const std::uint32_t chosen = static_cast<std::uint32_t>(value == largest[c]) & ~taken[c] & 1U;
              taken[c] |= chosen;
              gradient = chosen != 0 ? gradient : 0;
            }
            dy[c] = value > floor ? gradient : 0;
          }
          visit(position, first, count, dy);
        }
      }
    }
  });
}

template <PoolKind pool, class T>
void backward_of(const PointwiseShape& shape, std::size_t images, const T* __restrict in, const T* __restrict d_out,
                 T* __restrict d_in) {
  for (std::size_t n = 0; n < images; ++n) {
    T* const result = d_in + n * shape.in_size();
    visit_gradients<false, pool>(
        shape, nullptr, in + n * shape.in_size(), d_out + n * shape.out_size(),
        [&](std::size_t position, std::size_t, auto count, const float* dy) __attribute__((always_inline)) {
          for (std::size_t c = 0; c < count; ++c) store(result, position + c, dy[c]);
        });
  }
}

template <class T>
void backward(const PointwiseShape& shape, std::size_t images, const T* in, const T* d_out, T* d_in) {
  with_pool(shape, [&]<PoolKind pool>() { backward_of<pool>(shape, images, in, d_out, d_in); });
}

template <PoolKind pool, class T>
void norm_sums_of(const PointwiseShape& shape, const NormScale& norm, const float* mean, const T* __restrict in,
                  const T* __restrict d_out, float* __restrict sum_dy, float* __restrict sum_dy_x) {
  visit_gradients<true, pool>(
      shape, &norm, in, d_out,
      [&](std::size_t position, std::size_t first, auto count, const float* dy)
          __attribute__((always_inline)) {
            for (std::size_t c = 0; c < count; ++c) {
              sum_dy[first + c] += dy[c];
              sum_dy_x[first + c] += dy[c] * (load(in, position + c) - mean[first + c]);
            }
          });
}

template <class T>
void norm_sums(const PointwiseShape& shape, const NormScale& norm, const float* mean, const T* in, const T* d_out,
               float* sum_dy, float* sum_dy_x) {
  for (std::size_t c = 0; c < shape.channels; ++c) sum_dy[c] = sum_dy_x[c] = 0;
  with_pool(shape, [&]<PoolKind pool>() {
    norm_sums_of<pool>(shape, norm, mean, in, d_out, sum_dy, sum_dy_x);
  });
}

template <PoolKind pool, class T>
void norm_backward_of(const PointwiseShape& shape, std::size_t images, const NormScale& norm,
                      const NormGradient& gradient, const T* __restrict in, const T* __restrict d_out,
                      T* __restrict d_in) {
  for (std::size_t n = 0; n < images; ++n) {
    const T* const x = in + n * shape.in_size();
    T* const result = d_in + n * shape.in_size();
    visit_gradients<true, pool>(
        shape, &norm, x, d_out + n * shape.out_size(),
        [&](std::size_t position, std::size_t first, auto count, const float* dy)
            __attribute__((always_inline)) {
              for (std::size_t c = 0; c < count; ++c) {
                store(result, position + c,
                      gradient.a[first + c] * dy[c] + gradient.b[first + c] * load(x, position + c) +
                          gradient.c[first + c]);
              }
            });
  }
}

template <class T>
void norm_backward(const PointwiseShape& shape, std::size_t images, const NormScale& norm,
                   const NormGradient& gradient, const T* in, const T* d_out, T* d_in) {
  with_pool(shape, [&]<PoolKind pool>() {
    norm_backward_of<pool>(shape, images, norm, gradient, in, d_out, d_in);
  });
}

template <class T>
void moments(std::size_t pixels, std::size_t channels, const T* __restrict in, float* __restrict mean,
             float* __restrict squares) {
  each_block(channels, [&](std::size_t first, auto count) __attribute__((always_inline)) {
    float sum[kBlock] = {};
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::size_t c = 0; c < count; ++c) sum[c] += load(in, pixel * channels + first + c);
    }
    for (std::size_t c = 0; c < count; ++c) mean[first + c] = sum[c] / static_cast<float>(pixels);
    float square[kBlock] = {};
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::size_t c = 0; c < count; ++c) {
        const float distance = load(in, pixel * channels + first + c) - mean[first + c];
        square[c] += distance * distance;
      }
    }
    for (std::size_t c = 0; c < count; ++c) squares[first + c] = square[c];
  });
}

template <class T>
void mask_negative(std::size_t count, const T* __restrict x, T* __restrict d) {
  for (std::size_t i = 0; i < count; ++i) d[i] = load(x, i) > 0 ? d[i] : T{};
}

/// Philox blocks computed side by side.
constexpr std::size_t kPhiloxLanes = 16;

inline void fill_mask(const DropoutMask& mask, std::uint32_t image, std::size_t count, std::uint8_t* __restrict keep) {
  constexpr std::size_t kElements = kPhiloxLanes * DropoutMask::kPerBlock;
  const std::uint32_t dropped = mask.dropped();
  for (std::size_t first = 0; first < count; first += kElements) {
    std::uint32_t words[4][kPhiloxLanes];
    const auto start = mask.block_counter(image, static_cast<std::uint32_t>(first / DropoutMask::kPerBlock));
    for (std::size_t lane = 0; lane < kPhiloxLanes; ++lane) {
      words[0][lane] = start[0] + static_cast<std::uint32_t>(lane);
      words[1][lane] = start[1];
      words[2][lane] = start[2];
      words[3][lane] = start[3];
    }
    auto key = mask.philox_key();
    for (int round = 0; round < 10; ++round) {
      for (std::size_t lane = 0; lane < kPhiloxLanes; ++lane) {
        philox_round(words[0][lane], words[1][lane], words[2][lane], words[3][lane], key);
      }
      key = next_philox_key(key);
    }
    std::uint8_t bytes[kElements];
    for (std::size_t word = 0; word < 4; ++word) {
      for (std::size_t lane = 0; lane < kPhiloxLanes; ++lane) {
        bytes[lane * 8 + 2 * word] = (words[word][lane] & 0xFFFF) >= dropped;
        bytes[lane * 8 + 2 * word + 1] = (words[word][lane] >> 16) >= dropped;
      }
    }
    const std::size_t here = count - first < kElements ? count - first : kElements;
    for (std::size_t i = 0; i < here; ++i) keep[first + i] = bytes[i];
  }
}

template <class T>
void apply_mask(std::size_t count, const std::uint8_t* __restrict keep, float factor, T* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) store(values, i, keep[i] != 0 ? load(values, i) * factor : 0);
}

template <class T>
void from_float(std::size_t count, const float* __restrict in, T* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) store(out, i, in[i]);
}

template <class T>
void to_float(std::size_t count, const T* __restrict in, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = load(in, i);
}

template <class T>
constexpr PointwiseKernels<T> kKernels{forward<T>,       backward<T>,      norm_sums<T>,  norm_backward<T>, moments<T>,
                                       mask_negative<T>, fill_mask, apply_mask<T>,    from_float<T>, to_float<T>};
