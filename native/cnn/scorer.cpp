#include "cnn/scorer.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace cnnc {
namespace {

/// Pairs whose histograms are held at a time.
constexpr std::size_t kPairsAtATime = 4096;

template <class Count>
void score(const ExpressionStore& store, const Pairs& pairs, Orders orders, const ImageMaker& images,
           Predictor& predictor, std::size_t outputs, unsigned threads, std::span<float> probabilities,
           const JobControl& control) {
  const std::size_t per_pair = orders == Orders::both ? 2 : 1;
  const std::size_t size = kImage * images.channels();
  std::vector<Count> counts(std::min(kPairsAtATime, pairs.a.size()) * kImage);
  for (std::size_t first = 0; first < pairs.a.size(); first += kPairsAtATime) {
    const std::size_t here = std::min(kPairsAtATime, pairs.a.size() - first);
    const std::span<Count> histograms(counts.data(), here * kImage);
    histograms_cpu(store, {pairs.a.subspan(first, here), pairs.b.subspan(first, here)}, histograms, threads,
                   {control.cancel, nullptr});
    const auto source = [&](std::size_t from, std::size_t count, float* to) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t image = from + i;
        images.make(std::span<const Count>(histograms), image / per_pair, image % per_pair == 1, to + i * size);
      }
    };
    predictor.predict(here * per_pair, source,
                      probabilities.subspan(first * per_pair * outputs, here * per_pair * outputs),
                      {control.cancel, nullptr});
    control.advance(here);
  }
}

}  // namespace

void score_pairs(const ExpressionStore& store, const Pairs& pairs, Orders orders, const ImageMaker& images,
                 Predictor& predictor, std::size_t outputs, unsigned threads, std::span<float> probabilities,
                 const JobControl& control) {
  const auto run = [&]<class Count>() {
    score<Count>(store, pairs, orders, images, predictor, outputs, threads, probabilities, control);
  };
  if (store.cells <= std::numeric_limits<std::uint16_t>::max()) {
    run.template operator()<std::uint16_t>();
  } else {
    run.template operator()<std::uint32_t>();
  }
}

}  // namespace cnnc
