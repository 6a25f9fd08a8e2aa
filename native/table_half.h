#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "abi.h"

namespace shunt {

/** Words of a key of either family; of an IPv4 key the last three are zero. */
using TableKey = std::array<__u64, sizeof(abi::key6) / sizeof(__u64)>;
/** Words of a value. */
using TableValue = std::array<uint64_t, sizeof(abi::value) / sizeof(uint64_t)>;

/** Entries as they cross: contiguous keys and values, aligned or not. */
struct TableEntries {
  const uint8_t* keys;
  const uint8_t* values;
  size_t count;
};

/**
 * The writer of one half of a table: rows, the filter in front of them, and in memory of this process what the filter's bits
 * stand for. While it stores, the program reads: each word is stored whole, and a row proves itself by its check, so
 * the order of stores matters to nobody.
 */
class TableHalf {
 public:
  struct Counts {
    size_t used = 0;
    /** Rows whose keys went: searches walk over them. */
    size_t gone = 0;
    /** Keys for which no row was free: they live in the hash map alone. */
    size_t unplaced = 0;
  };

  TableHalf(unsigned rowBits, bool six);
  /** Where its rows and filter are from now on. */
  void lieAt(uint64_t* rows, uint64_t* filter) {
    rows_ = rows;
    filter_ = filter;
  }

  size_t rows() const { return size_t{1} << rowBits_; }
  size_t keyBytes() const { return keyWords_ * sizeof(uint64_t); }
  /** True once all of it is empty or written by this process. */
  bool known() const { return cleared_ == rows(); }
  /** Rows from the first that are so. */
  size_t cleared() const { return cleared_; }
  /** Neither rows nor filter are needed for now: nothing is in it, or nobody knows what. */
  bool blank() const {
    const bool empty = used_ + gone_ + unplaced_.size() + leaving_.size() == 0;
    return cleared_ == 0 || (known() && empty && !keeping());
  }
  Counts counts() const { return {used_, gone_, unplaced_.size()}; }

  /**
   * Empties so many more rows, with their part of the filter; the program must not read this half. From the first on none: lets
   * what this process knows of the half go.
   */
  void clear(size_t from, size_t count);
  void put(const TableEntries& entries);
  /** Their rows prove nothing any more: the program asks the hash map. */
  void breakChecks(const TableEntries& entries);
  /** Their rows are skipped; their bits of the filter stay until `forget`. */
  void remove(const TableEntries& entries);
  /** Drops the bits of keys that went. */
  void forget();
  /** The indexes of entries of which this half says something else, or a definite miss. */
  std::vector<uint32_t> differing(const TableEntries& entries) const;
  /** Removes the rows of all other keys, mends the filter, and answers how many rows and words of the filter were wrong. */
  size_t keepOnly(const TableEntries& entries);
  /** The same in parts: begins; then all keys are kept; then rows from the first to the last, with their part of the filter. */
  void beginKeeping();
  void keep(const TableEntries& entries);
  size_t dropRest(size_t from, size_t count);
  /** It has begun, and nothing was put, removed or forgotten since: then it would say something else. */
  bool keeping() const { return keeping_.has_value(); }
  /** Rows from the first that were gone through. */
  size_t keptTo() const { return keeping_ ? keeping_->to : 0; }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  /** What bits stand for is counted anew: somebody else may have changed the key of a row that it was counted for. */
  struct Keeping {
    std::vector<bool> kept;
    std::vector<uint8_t> keysOfBit;
    std::set<TableKey> homeless;
    size_t used = 0;
    size_t gone = 0;
    size_t to = 0;
  };

  struct Found {
    /** The row of the key. */
    size_t row = kNone;
    /** The first row that the key could take, if it has none. */
    size_t free = kNone;
    /** An empty row ended the search. */
    bool ended = false;
  };

  TableKey keyAt(const TableEntries& entries, size_t index) const;
  static TableValue valueAt(const TableEntries& entries, size_t index);
  uint64_t sumOf(const TableKey& key) const;
  size_t bitOf(uint64_t sum) const { return sum >> (64 - rowBits_ - 3); }
  uint64_t* row(size_t index) const { return rows_ + index * rowWords_; }
  uint32_t stateOf(size_t index) const;
  void setState(size_t index, uint32_t state);
  Found find(const TableKey& key, uint64_t sum) const;
  bool says(const TableKey& key, const TableValue& value) const;
  void putOne(const TableKey& key, const TableValue& value);
  void store(size_t index, const TableKey& key, const TableValue& value);
  static void count(std::vector<uint8_t>& keysOfBit, size_t bit);
  void raise(size_t bit);
  void drop(size_t bit);
  size_t keepRows(size_t from, size_t count);
  size_t mendFilter(size_t from, size_t count);
  size_t endKeeping();

  uint64_t* rows_ = nullptr;
  uint64_t* filter_ = nullptr;
  const unsigned rowBits_;
  const size_t keyWords_;
  const size_t rowWords_;
  size_t cleared_ = 0;
  size_t used_ = 0;
  size_t gone_ = 0;
  /** Of each bit of the filter how many keys have it, those that went among them; one that was full once stays. */
  std::vector<uint8_t> keysOfBit_;
  std::set<TableKey> unplaced_;
  /** Bits of keys that went. */
  std::vector<size_t> leaving_;
  std::optional<Keeping> keeping_;
};

}  // namespace shunt
