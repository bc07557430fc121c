#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>

#include "core/checksum.hpp"
#include "core/error.hpp"
#include "core/file_access.hpp"
#include "core/prepared_store.hpp"
#include "reference.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

struct Failure {
  std::string code;
  std::int64_t gene = -1;
  bool operator==(const Failure&) const = default;
};

Failure failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.gene()};
  }
  return {"none"};
}

/// A store in a file without a name, and what is to be kept beside it.
class Prepared {
 public:
  explicit Prepared(const ExpressionStore& store) : file_(std::tmpfile(), &std::fclose) {
    const std::uint64_t entries = std::accumulate(store.stored.begin(), store.stored.end(), std::uint64_t{0});
    places = {::fileno(file_.get()), 100, 100 + 4 * entries, 100 + 5 * entries};
    checks = write_entries(store, places, {});
    first.push_back(0);
    for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
      first.push_back(first.back() + store.stored[gene]);
      marginal.insert(marginal.end(), store.marginal[gene].begin(), store.marginal[gene].end());
      edges.insert(edges.end(), store.edges[gene].begin(), store.edges[gene].end());
    }
    zero_bin = store.zero_bin;
    expressing = store.expressing;
    constant = store.constant;
    cells = store.cells;
  }

  [[nodiscard]] PreparedGenes view() const {
    return {cells, first, zero_bin, marginal, edges, expressing, constant, checks.cells, checks.values};
  }
  [[nodiscard]] ExpressionStore read(const std::vector<std::uint32_t>& genes, unsigned threads = 1) const {
    return read_entries(view(), places, genes, threads, {});
  }
  [[nodiscard]] std::vector<std::uint32_t> all() const {
    std::vector<std::uint32_t> genes(first.size() - 1);
    std::iota(genes.begin(), genes.end(), 0U);
    return genes;
  }
  /// Turns one bit over.
  void spoil(std::uint64_t position) const {
    std::byte byte{};
    read_at(places.file, position, {&byte, 1});
    byte ^= std::byte{1};
    write_at(places.file, position, {&byte, 1});
  }
  /// The checksums of what is in the file now, as a writer of such a file would give them.
  void forge(std::uint32_t gene) {
    const std::size_t count = first[gene + 1] - first[gene];
    std::vector<std::byte> ids(4 * count);
    std::vector<std::byte> bins(count);
    read_at(places.file, places.cell_ids + 4 * first[gene], ids);
    read_at(places.file, places.bins + first[gene], bins);
    const std::uint64_t both[] = {checksum(ids), checksum(bins)};
    checks.cells[gene] = checksum(std::as_bytes(std::span(both)));
  }

  EntryPlaces places;
  EntryChecks checks;
  std::uint32_t cells = 0;
  std::vector<std::uint64_t> first;
  std::vector<std::uint8_t> zero_bin;
  std::vector<std::uint32_t> marginal;
  std::vector<double> edges;
  std::vector<std::uint32_t> expressing;
  std::vector<std::uint8_t> constant;

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

ExpressionStore simulated(bool values, std::size_t cells = 300, std::size_t genes = 40) {
  const Matrix matrix = random_counts(cells, genes, 0.02, 0.9, 7);
  StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
  options.keep_values = values;
  return build(options, blocks_of(matrix, MajorAxis::cell, false, 64));
}

void check_same(const ExpressionStore& one, std::uint32_t gene, const ExpressionStore& other, std::uint32_t there) {
  const auto same = [](const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); };
  CHECK(same(one.cells_of(gene), other.cells_of(there)));
  CHECK(same(one.bins_of(gene), other.bins_of(there)));
  CHECK(one.zero_bin[gene] == other.zero_bin[there]);
  CHECK(one.marginal[gene] == other.marginal[there]);
  CHECK(one.edges[gene] == other.edges[there]);
  CHECK(one.expressing[gene] == other.expressing[there]);
  CHECK(one.constant[gene] == other.constant[there]);
  REQUIRE((one.values.size() > 0) == (other.values.size() > 0));
  if (one.values.size() == 0) return;
  const std::span row{one.values.data() + one.first[gene], one.stored[gene]};
  CHECK(same(row, std::span{other.values.data() + other.first[there], other.stored[there]}));
}

}  // namespace

TEST_CASE("a checksum changes with every bit, with the length, and with the order of words") {
  for (const std::size_t size : {0, 1, 7, 8, 63, 64, 65, 200}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(37 * i + 1);
    const std::uint64_t sum = checksum(bytes);
    CHECK(checksum(std::vector<std::byte>(bytes)) == sum);
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      std::vector<std::byte> other = bytes;
      other[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
      CHECK(checksum(other) != sum);
    }
    std::vector<std::byte> longer = bytes;
    longer.push_back(std::byte{0});
    CHECK(checksum(longer) != sum);
    if (size < 16) continue;
    std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 8);
    CHECK(checksum(bytes) != sum);
  }
}

TEST_CASE("a store comes back from its file as it was, whole or in part") {
  for (const bool values : {false, true}) {
    const ExpressionStore store = simulated(values);
    const Prepared prepared(store);
    for (const unsigned threads : {1U, 3U}) {
      const ExpressionStore back = prepared.read(prepared.all(), threads);
      REQUIRE(back.genes == store.genes);
      CHECK(back.cells == store.cells);
      for (std::uint32_t gene = 0; gene < store.genes; ++gene) check_same(back, gene, store, gene);
    }
    const std::vector<std::uint32_t> some{0, 3, 4, 5, 20, 39};
    const ExpressionStore part = prepared.read(some, 2);
    REQUIRE(part.genes == some.size());
    for (std::uint32_t gene = 0; gene < part.genes; ++gene) check_same(part, gene, store, some[gene]);
    CHECK(prepared.read({}).genes == 0);
  }
}

TEST_CASE("more entries than are read at a time") {
  const ExpressionStore store = simulated(true, 9000, 60);
  const Prepared prepared(store);
  const ExpressionStore back = prepared.read(prepared.all(), 2);
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) check_same(back, gene, store, gene);
}

TEST_CASE("values that are there need not be read") {
  const Prepared prepared(simulated(true));
  PreparedGenes without = prepared.view();
  without.value_checks = {};
  CHECK(read_entries(without, prepared.places, prepared.all(), 1, {}).values.size() == 0);
}

TEST_CASE("a bit that fell over is found, in the gene that has it and in no other") {
  const ExpressionStore store = simulated(true);
  const Prepared prepared(store);
  const std::uint64_t entry = prepared.first[11] + 2;
  for (const std::uint64_t position :
       {prepared.places.cell_ids + 4 * entry, prepared.places.bins + entry, prepared.places.values + 4 * entry}) {
    prepared.spoil(position);
    CHECK(failure_of([&] { (void)prepared.read(prepared.all()); }) == Failure{"STORE_DAMAGED", 11});
    CHECK(failure_of([&] { (void)prepared.read({10, 12}); }) == Failure{"none"});
    prepared.spoil(position);
  }
  CHECK(failure_of([&] { (void)prepared.read(prepared.all()); }) == Failure{"none"});
}

TEST_CASE("checksums that fit do not make nonsense a store") {
  const ExpressionStore store = simulated(false);
  const auto refused = [&](const std::function<void(Prepared&)>& spoil) {
    Prepared prepared(store);
    spoil(prepared);
    return failure_of([&] { (void)prepared.read(prepared.all()); });
  };
  const Failure gene5{"STORE_DAMAGED", 5};
  const auto write = [](const Prepared& prepared, std::uint64_t position, auto value) {
    write_at(prepared.places.file, position, std::as_bytes(std::span(&value, 1)));
  };
  CHECK(refused([&](Prepared& prepared) {  // a cell twice
    write(prepared, prepared.places.cell_ids + 4 * prepared.first[5], store.cells_of(5)[1]);
    prepared.forge(5);
  }) == gene5);
  CHECK(refused([&](Prepared& prepared) {  // a cell that is not there
    write(prepared, prepared.places.cell_ids + 4 * (prepared.first[6] - 1), store.cells);
    prepared.forge(5);
  }) == gene5);
  CHECK(refused([&](Prepared& prepared) {  // a bin that is not there
    write(prepared, prepared.places.bins + prepared.first[5], std::uint8_t{32});
    prepared.forge(5);
  }) == gene5);
  CHECK(refused([&](Prepared& prepared) {  // another bin
    write(prepared, prepared.places.bins + prepared.first[5],
          static_cast<std::uint8_t>((store.bins_of(5)[0] + 1) % kBins));
    prepared.forge(5);
  }) == gene5);
  CHECK(refused([](Prepared& prepared) { ++prepared.marginal[5 * 32]; }) == gene5);
  CHECK(refused([](Prepared& prepared) { prepared.zero_bin[5] = 32; }) == gene5);
  CHECK(refused([](Prepared& prepared) { prepared.constant[5] = 2; }) == gene5);
  CHECK(refused([](Prepared& prepared) { prepared.expressing[5] = prepared.cells + 1; }) == gene5);
  CHECK(refused([](Prepared& prepared) { prepared.expressing[5] = 0; }) == gene5);
  CHECK(refused([](Prepared& prepared) { prepared.edges[5 * 33] = std::numeric_limits<double>::quiet_NaN(); }) ==
        gene5);
  CHECK(refused([](Prepared& prepared) { prepared.edges[5 * 33] += 1e6; }) == gene5);
  const Failure table{"STORE_DAMAGED", -1};
  CHECK(refused([](Prepared& prepared) { std::swap(prepared.first[5], prepared.first[6]); }) == table);
  CHECK(refused([](Prepared& prepared) { prepared.first[0] = 1; }) == table);
  CHECK(refused([](Prepared& prepared) { prepared.marginal.pop_back(); }) == table);
  CHECK(refused([](Prepared& prepared) { prepared.checks.cells.pop_back(); }) == table);
}

TEST_CASE("genes that cannot be had, a file that is too short, and a reader that is stopped") {
  const ExpressionStore store = simulated(false);
  const Prepared prepared(store);
  CHECK(failure_of([&] { (void)prepared.read({1, 1}); }) == Failure{"BAD_SELECTION"});
  CHECK(failure_of([&] { (void)prepared.read({40}); }) == Failure{"BAD_SELECTION"});
  std::atomic<bool> cancel{true};
  CHECK(failure_of([&] { (void)read_entries(prepared.view(), prepared.places, prepared.all(), 2, {&cancel}); }) ==
        Failure{"CANCELLED"});
  CHECK(failure_of([&] { (void)write_entries(store, prepared.places, {&cancel}); }) == Failure{"CANCELLED"});
  REQUIRE(::ftruncate(prepared.places.file, static_cast<off_t>(prepared.places.bins + 10)) == 0);
  CHECK(failure_of([&] { (void)prepared.read(prepared.all()); }) == Failure{"FILE_TRUNCATED"});
  CHECK(failure_of([&] { (void)write_entries(store, {-1, 0, 0, 0}, {}); }) == Failure{"WRITE_FAILED"});
}
