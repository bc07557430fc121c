#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace cnnc {

using RandomWords = std::array<std::uint32_t, 4>;

using PhiloxKey = std::array<std::uint32_t, 2>;

inline constexpr std::uint32_t kPhiloxFactor0 = 0xD2511F53;
inline constexpr std::uint32_t kPhiloxFactor1 = 0xCD9E8D57;

/// One of the ten rounds of philox4x32 on the four words of a counter.
[[gnu::always_inline]] constexpr void philox_round(std::uint32_t& word0, std::uint32_t& word1, std::uint32_t& word2,
                                                   std::uint32_t& word3, const PhiloxKey& key) noexcept {
  const std::uint64_t product0 = std::uint64_t{kPhiloxFactor0} * word0;
  const std::uint64_t product1 = std::uint64_t{kPhiloxFactor1} * word2;
  word0 = static_cast<std::uint32_t>(product1 >> 32) ^ word1 ^ key[0];
  word1 = static_cast<std::uint32_t>(product1);
  word2 = static_cast<std::uint32_t>(product0 >> 32) ^ word3 ^ key[1];
  word3 = static_cast<std::uint32_t>(product0);
}

[[nodiscard]] constexpr PhiloxKey next_philox_key(const PhiloxKey& key) noexcept {
  return {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
}

/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// doi 10.1145/2063384.2063405: four random words that are a pure function of counter and key.
[[nodiscard]] constexpr RandomWords philox4x32(RandomWords counter, PhiloxKey key) noexcept {
  for (int round = 0; round < 10; ++round) {
    philox_round(counter[0], counter[1], counter[2], counter[3], key);
    key = next_philox_key(key);
  }
  return counter;
}

/// What a random number is for. Numbers for different purposes are independent, whatever the seed.
enum class Purpose : std::uint32_t { network, kinetics, trajectory, transcripts, library_size, molecules, dropout, boosting };

[[nodiscard]] constexpr RandomWords random_counter(Purpose purpose, std::uint32_t position, std::uint32_t gene,
                                                   std::uint32_t event) noexcept {
  return {position, gene, event, static_cast<std::uint32_t>(purpose)};
}
[[nodiscard]] constexpr PhiloxKey random_key(std::uint64_t seed) noexcept {
  return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
}

/// The random words of one (purpose, position, gene, event) under a seed.
[[nodiscard]] constexpr RandomWords random_words(std::uint64_t seed, Purpose purpose, std::uint32_t position,
                                                 std::uint32_t gene = 0, std::uint32_t event = 0) noexcept {
  return philox4x32(random_counter(purpose, position, gene, event), random_key(seed));
}

/// Uniform on the open interval (0, 1), from one word.
[[nodiscard]] constexpr double uniform(std::uint32_t word) noexcept {
  return (static_cast<double>(word) + 0.5) * 0x1p-32;
}

/// Standard normal from two words (Box and Muller 1958, doi 10.1214/aoms/1177706645).
[[nodiscard]] inline double normal(std::uint32_t word0, std::uint32_t word1) noexcept {
  return std::sqrt(-2.0 * std::log(uniform(word0))) * std::cos(2.0 * std::numbers::pi * uniform(word1));
}

/// Poisson count of the given mean. `next_word()` yields independent random words.
///
/// Inversion by sequential search (Devroye, Non-Uniform Random Variate Generation, 1986, X.3.3); a
/// large mean is cut into pieces, because the sum of independent Poisson counts is one too.
/// Exact to the 32 bits of a word. \pre mean is finite and >= 0.
template <class NextWord>
[[nodiscard]] std::uint32_t poisson(double mean, NextWord&& next_word) {
  constexpr double kPiece = 16.0;
  std::uint32_t count = 0;
  for (; mean > 0; mean -= kPiece) {
    const double piece = mean < kPiece ? mean : kPiece;
    const double u = uniform(next_word());
    double probability = std::exp(-piece);
    double cumulative = probability;
    // Ends: the sum comes within rounding (1e-15) of 1, and u <= 1 - 2^-33.
    for (std::uint32_t k = 1; u > cumulative; ++k) {
      probability *= piece / k;
      cumulative += probability;
      ++count;
    }
  }
  return count;
}

/// A sequence of random numbers for one purpose, for serial code.
class RandomSequence {
 public:
  RandomSequence(std::uint64_t seed, Purpose purpose) : seed_(seed), purpose_(purpose) {}

  std::uint32_t word() noexcept {
    if (used_ == words_.size()) {
      words_ = random_words(seed_, purpose_, position_++);
      used_ = 0;
    }
    return words_[used_++];
  }
  /// Uniform on (low, high).
  double uniform(double low, double high) noexcept { return low + (high - low) * cnnc::uniform(word()); }
  double normal() noexcept {
    const std::uint32_t first = word();
    return cnnc::normal(first, word());
  }
  bool chance(double probability) noexcept { return cnnc::uniform(word()) < probability; }
  std::uint32_t poisson(double mean) {
    return cnnc::poisson(mean, [this] { return word(); });
  }
  /// An integer below `count`, each as likely to within count / 2^32.
  std::uint32_t below(std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{word()} * count) >> 32);
  }

 private:
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint32_t position_ = 0;
  RandomWords words_{};
  std::size_t used_ = words_.size();
};

}  // namespace cnnc
