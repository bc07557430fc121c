// Included for each instruction set after lanes_body.hpp, inside a namespace of its own: no include guard, no
// includes. A tile's sums and the nine weights of a channel stay in registers, so that each value of the image is loaded
// once for nine products.

constexpr std::size_t kKernel = 3;
/// Of a wide tile: two lines of so many pixels have their sums in registers.
constexpr std::size_t kColumns = kLanes == 16 ? 8 : 2;

/// Calls work.operator()<rows, V>(y, first channel) for lines, two at a time, and within them for blocks of channels.
template <class Work>
CNNC_INLINE_LOOP void each_line_block(std::size_t height, std::size_t channels, Work&& work) {
  std::size_t y = 0;
  for (; y + 2 <= height; y += 2) {
    each_block(channels, [&]<class V>(std::size_t first)
        __attribute__((always_inline)) { work.template operator()<2, V>(y, first); });
  }
  if (y == height) return;
  each_block(channels, [&]<class V>(std::size_t first)
      __attribute__((always_inline)) { work.template operator()<1, V>(y, first); });
}

/// Calls work.operator()<columns>(x) for wide tiles of a line, and then for narrow ones.
template <std::size_t narrow, class Work>
CNNC_INLINE_LOOP void each_tile(std::size_t width, Work&& work) {
  std::size_t x = 0;
  for (; x + kColumns <= width; x += kColumns) work.template operator()<kColumns>(x);
  for (; x < width; x += narrow) work.template operator()<narrow>(x);
}

/// Calls work(y, x, ky, kx, value) for all products of a tile: pixel (y, x) sees `value` through tap (ky, kx).
template <std::size_t rows, std::size_t columns, class Work>
CNNC_INLINE_LOOP void each_product(const float* window, std::size_t width, Work&& work) {
#pragma GCC unroll 4
  for (std::size_t row = 0; row < rows + kKernel - 1; ++row) {
#pragma GCC unroll 16
    for (std::size_t column = 0; column < columns + kKernel - 1; ++column) {
      const float value = window[row * width + column];
#pragma GCC unroll 3
      for (std::size_t ky = 0; ky < kKernel; ++ky) {
#pragma GCC unroll 3
        for (std::size_t kx = 0; kx < kKernel; ++kx) {
          if (row >= ky && row - ky < rows && column >= kx && column - kx < columns) {
            work(row - ky, column - kx, ky, kx, value);
          }
        }
      }
    }
  }
}

/// One image's convolution at a tile's pixels, for a block of channels.
template <class V, std::size_t rows, std::size_t columns>
struct Tile {
  V sums[rows][columns];

  /// \param window   upper left corner of what the first pixel sees
  /// \param weights  of the block's first channel
  CNNC_INLINE_LOOP Tile(const ImageConvolutionShape& shape, const float* window, const float* weights,
                        const float* bias) {
    for (auto& row : sums) {
      for (V& sum : row) sum = load<V>(bias);
    }
    for (std::size_t channel = 0; channel < shape.in.channels; ++channel) {
      V taps[kKernel][kKernel];
      for (std::size_t tap = 0; tap < kKernel * kKernel; ++tap) {
        taps[tap / kKernel][tap % kKernel] =
            load<V>(weights + (tap * shape.in.channels + channel) * shape.out.channels);
      }
      each_product<rows, columns>(window + channel * shape.in.pixels(), shape.in.width,
                                  [&](std::size_t y, std::size_t x, std::size_t ky, std::size_t kx, float value)
                                      __attribute__((always_inline)) { sums[y][x] += taps[ky][kx] * value; });
    }
    if (!shape.relu) return;
    for (auto& row : sums) {
      for (V& sum : row) sum = sum > 0 ? sum : V{};
    }
  }
};

/// Of a window's pixels, in the order of the pass that pools alone.
template <class V>
CNNC_INLINE_LOOP V pooled(PoolKind pool, V a, V b, V c, V d) {
  if (pool == PoolKind::average) return (((a + b) + c) + d) * 0.25F;
  const V ab = b > a ? b : a;
  const V abc = c > ab ? c : ab;
  return d > abc ? d : abc;
}

template <class T>
void convolve(const ImageConvolutionShape& shape, const float* image, const float* weights, const float* bias,
              T* out) {
  const std::size_t channels = shape.out.channels;
  const std::size_t width = shape.out.width;
  each_line_block(
      shape.out.height, channels,
      [&]<std::size_t rows, class V>(std::size_t y, std::size_t first) __attribute__((always_inline)) {
        each_tile<1>(width, [&]<std::size_t columns>(std::size_t x) __attribute__((always_inline)) {
          const Tile<V, rows, columns> tile(shape, image + y * shape.in.width + x, weights + first, bias + first);
          T* to = out + (y * width + x) * channels + first;
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) store(to + (i * width + j) * channels, tile.sums[i][j]);
          }
        });
      });
}

template <class T>
void convolve_and_pool(const ImageConvolutionShape& shape, const float* image, const float* weights,
                       const float* bias, T* out) {
  const std::size_t channels = shape.out.channels;
  const std::size_t width = shape.out.width / 2;
  each_line_block(
      shape.out.height / 2 * 2, channels,
      [&]<std::size_t, class V>(std::size_t y, std::size_t first) __attribute__((always_inline)) {
        each_tile<2>(2 * width, [&]<std::size_t columns>(std::size_t x) __attribute__((always_inline)) {
          const Tile<V, 2, columns> tile(shape, image + y * shape.in.width + x, weights + first, bias + first);
          const auto& sums = tile.sums;
          T* to = out + (y / 2 * width + x / 2) * channels + first;
          for (std::size_t j = 0; j < columns; j += 2) {
            store(to + j / 2 * channels,
                  pooled(shape.pool, sums[0][j], sums[0][j + 1], sums[1][j], sums[1][j + 1]));
          }
        });
      });
}

template <class T>
void forward(const ImageConvolutionShape& shape, const float* image, const float* weights, const float* bias, T* out) {
  if (shape.pool == PoolKind::none) {
    convolve(shape, image, weights, bias, out);
  } else {
    convolve_and_pool(shape, image, weights, bias, out);
  }
}

template <class V>
CNNC_INLINE_LOOP void add(float* to, V sum) {
  store(to, load<V>(to) + sum);
}

template <class T>
void gradients(const ImageConvolutionShape& shape, const float* image, const T* out, const T* d_out, float* d_weights,
               float* d_bias) {
  const std::size_t channels = shape.out.channels;
  const auto add_lines = [&]<std::size_t rows, class V>(std::size_t y, std::size_t first)
      __attribute__((always_inline)) {
        for (std::size_t channel = 0; channel < shape.in.channels; ++channel) {
          const float* line = image + (channel * shape.in.height + y) * shape.in.width;
          V taps[kKernel][kKernel] = {};
          V bias{};
          each_tile<1>(shape.out.width, [&]<std::size_t columns>(std::size_t x) __attribute__((always_inline)) {
            V dy[rows][columns];
            for (std::size_t i = 0; i < rows; ++i) {
              for (std::size_t j = 0; j < columns; ++j) {
                const std::size_t pixel = ((y + i) * shape.out.width + x + j) * channels + first;
                dy[i][j] = load<V>(d_out + pixel);
                if (shape.relu) dy[i][j] = load<V>(out + pixel) > 0 ? dy[i][j] : V{};
                bias += dy[i][j];
              }
            }
            each_product<rows, columns>(line + x, shape.in.width,
                                        [&](std::size_t i, std::size_t j, std::size_t ky, std::size_t kx, float value)
                                            __attribute__((always_inline)) { taps[ky][kx] += dy[i][j] * value; });
          });
          if (channel == 0) add(d_bias + first, bias);
          for (std::size_t tap = 0; tap < kKernel * kKernel; ++tap) {
            add(d_weights + (tap * shape.in.channels + channel) * channels + first,
                taps[tap / kKernel][tap % kKernel]);
          }
        }
      };
  each_line_block(shape.out.height, channels, add_lines);
}

template <class T>
constexpr ImageConvolutionKernels<T> kKernels{forward<T>, gradients<T>};
