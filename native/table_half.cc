#include "table_half.h"

#include <algorithm>
#include <cstring>

namespace shunt {

namespace {

// Of both families: key, `rev` and `state` in one word, check, until, rest.
template <typename Row, typename Key>
constexpr bool standsAsExpected() {
  constexpr size_t at = sizeof(Key);
  return offsetof(Row, key) == 0 && offsetof(Row, rev) == at && offsetof(Row, state) == at + 4 &&
         offsetof(Row, check) == at + 8 && offsetof(Row, until) == at + 16 && offsetof(Row, rest) == at + 24;
}
static_assert(standsAsExpected<abi::row4, abi::key4>() && standsAsExpected<abi::row6, abi::key6>());
static_assert(offsetof(abi::value, rev) == 4 && offsetof(abi::value, check) == 8 && offsetof(abi::value, until) == 16);
static_assert(abi::FILTER_BITS == 8, "bits of the filter by three more bits of the sum");

constexpr size_t kUntil = offsetof(abi::value, until) / sizeof(uint64_t);
constexpr size_t kValueRest = sizeof(abi::value) / sizeof(uint64_t) - kUntil;

struct RevAndState {
  uint32_t rev;
  uint32_t state;
};

uint64_t load(const uint64_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
void save(uint64_t* word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }

uint64_t pack(RevAndState pair) {
  uint64_t word;
  std::memcpy(&word, &pair, sizeof word);
  return word;
}

RevAndState unpack(uint64_t word) {
  RevAndState pair;
  std::memcpy(&pair, &word, sizeof pair);
  return pair;
}

uint32_t revOf(const TableValue& value) {
  uint32_t rev;
  std::memcpy(&rev, reinterpret_cast<const uint8_t*>(value.data()) + offsetof(abi::value, rev), sizeof rev);
  return rev;
}

}  // namespace

TableHalf::TableHalf(unsigned rowBits, bool six)
    : rowBits_(rowBits),
      keyWords_((six ? sizeof(abi::key6) : sizeof(abi::key4)) / sizeof(uint64_t)),
      rowWords_((six ? sizeof(abi::row6) : sizeof(abi::row4)) / sizeof(uint64_t)) {}

TableKey TableHalf::keyAt(const TableEntries& entries, size_t index) const {
  TableKey key{};
  std::memcpy(key.data(), entries.keys + index * keyBytes(), keyBytes());
  return key;
}

TableValue TableHalf::valueAt(const TableEntries& entries, size_t index) {
  TableValue value;
  std::memcpy(value.data(), entries.values + index * sizeof value, sizeof value);
  return value;
}

// With a constant count the compiler unrolls it.
uint64_t TableHalf::sumOf(const TableKey& key) const {
  return keyWords_ == 2 ? abi::check_sum(key.data(), 2, 0) : abi::check_sum(key.data(), key.size(), 0);
}

uint32_t TableHalf::stateOf(size_t index) const { return unpack(load(row(index) + keyWords_)).state; }

void TableHalf::setState(size_t index, uint32_t state) {
  uint64_t* word = row(index) + keyWords_;
  __atomic_store_n(word, pack({unpack(load(word)).rev, state}), __ATOMIC_RELEASE);
}

TableHalf::Found TableHalf::find(const TableKey& key, uint64_t sum) const {
  const size_t home = sum >> (64 - rowBits_);
  Found found;
  for (size_t probe = 0; probe < abi::PROBES_MAX && !found.ended; probe++) {
    const size_t index = (home + probe) & (rows() - 1);
    const uint32_t state = stateOf(index);
    if (state == abi::ROW_USED) {
      const uint64_t* words = row(index);
      const auto same = [&](size_t i) { return load(words + i) == key[i]; };
      size_t i = 0;
      while (i < keyWords_ && same(i)) i++;
      if (i == keyWords_) return {index, kNone, false};
    } else if (found.free == kNone) {
      found.free = index;
    }
    found.ended = state == abi::ROW_EMPTY;
  }
  return found;
}

void TableHalf::clear(size_t from, size_t count) {
  keeping_.reset();
  if (from == 0) {
    keysOfBit_ = std::vector<uint8_t>(count == 0 ? 0 : rows() * abi::FILTER_BITS);
    unplaced_.clear();
    leaving_.clear();
    used_ = gone_ = 0;
  }
  cleared_ = from + count;
  if (count == 0) return;
  std::memset(row(from), 0, count * rowWords_ * sizeof(uint64_t));
  std::memset(reinterpret_cast<uint8_t*>(filter_) + from * abi::FILTER_BITS / 8, 0, count * abi::FILTER_BITS / 8);
}

void TableHalf::put(const TableEntries& entries) {
  keeping_.reset();
  for (size_t i = 0; i < entries.count; i++) putOne(keyAt(entries, i), valueAt(entries, i));
}

void TableHalf::putOne(const TableKey& key, const TableValue& value) {
  const uint64_t sum = sumOf(key);
  const Found found = find(key, sum);
  const bool homeless = found.row == kNone && unplaced_.contains(key);
  if (found.row != kNone) {
    store(found.row, key, value);
  } else if (found.free != kNone) {
    gone_ -= gone_ > 0 && stateOf(found.free) == abi::ROW_GONE;
    store(found.free, key, value);
    used_++;
    if (homeless) unplaced_.erase(key);
  } else if (!homeless) {
    unplaced_.insert(key);
  }
  if (found.row == kNone && !homeless) count(keysOfBit_, bitOf(sum));
  raise(bitOf(sum));
}

// The state comes last, so that a row that was free is skipped until it is whole.
void TableHalf::store(size_t index, const TableKey& key, const TableValue& value) {
  uint64_t* words = row(index);
  uint64_t* rest = words + keyWords_ + 2;
  for (size_t i = 0; i < keyWords_; i++) save(words + i, key[i]);
  for (size_t i = 0; i < kValueRest; i++) save(rest + i, value[kUntil + i]);
  save(words + keyWords_ + 1, value[offsetof(abi::value, check) / sizeof(uint64_t)]);
  __atomic_store_n(words + keyWords_, pack({revOf(value), abi::ROW_USED}), __ATOMIC_RELEASE);
}

// The check is worked out anew: what stands there may be broken already.
void TableHalf::breakChecks(const TableEntries& entries) {
  for (size_t i = 0; i < entries.count; i++) {
    const TableKey key = keyAt(entries, i);
    const uint64_t sum = sumOf(key);
    const size_t index = find(key, sum).row;
    if (index == kNone) continue;
    uint64_t* words = row(index);
    __u64 rest[kValueRest];
    for (size_t w = 0; w < kValueRest; w++) rest[w] = load(words + keyWords_ + 2 + w);
    const uint32_t rev = unpack(load(words + keyWords_)).rev;
    save(words + keyWords_ + 1, ~abi::check_of(sum, keyWords_, rev, rest, kValueRest));
  }
}

void TableHalf::remove(const TableEntries& entries) {
  keeping_.reset();
  for (size_t i = 0; i < entries.count; i++) {
    const TableKey key = keyAt(entries, i);
    const uint64_t sum = sumOf(key);
    const size_t index = find(key, sum).row;
    if (index == kNone && unplaced_.erase(key) == 0) continue;
    leaving_.push_back(bitOf(sum));
    if (index == kNone) continue;
    setState(index, abi::ROW_GONE);
    used_ -= used_ > 0;
    gone_++;
  }
}

void TableHalf::forget() {
  if (!leaving_.empty()) keeping_.reset();
  for (const size_t bit : leaving_) drop(bit);
  leaving_.clear();
}

void TableHalf::count(std::vector<uint8_t>& keysOfBit, size_t bit) {
  keysOfBit[bit] += keysOfBit[bit] < UINT8_MAX;
}

void TableHalf::raise(size_t bit) {
  uint64_t* word = filter_ + bit / 64;
  save(word, load(word) | uint64_t{1} << bit % 64);
}

void TableHalf::drop(size_t bit) {
  uint8_t& keys = keysOfBit_[bit];
  if (keys == 0 || keys == UINT8_MAX || --keys > 0) return;
  uint64_t* word = filter_ + bit / 64;
  save(word, load(word) & ~(uint64_t{1} << bit % 64));
}

bool TableHalf::says(const TableKey& key, const TableValue& value) const {
  const uint64_t sum = sumOf(key);
  const size_t bit = bitOf(sum);
  if (keysOfBit_[bit] == 0 || (load(filter_ + bit / 64) >> bit % 64 & 1) == 0) return false;
  const Found found = find(key, sum);
  if (found.row == kNone) return !found.ended && unplaced_.contains(key);
  const uint64_t* words = row(found.row) + keyWords_;
  if (unpack(load(words)).rev != revOf(value)) return false;
  for (size_t i = 1; i < value.size(); i++)
    if (load(words + i) != value[i]) return false;
  return true;
}

std::vector<uint32_t> TableHalf::differing(const TableEntries& entries) const {
  std::vector<uint32_t> found;
  for (size_t i = 0; i < entries.count; i++)
    if (!says(keyAt(entries, i), valueAt(entries, i))) found.push_back(i);
  return found;
}

size_t TableHalf::keepOnly(const TableEntries& entries) {
  beginKeeping();
  keep(entries);
  return dropRest(0, rows());
}

void TableHalf::beginKeeping() {
  keeping_.emplace();
  keeping_->kept.resize(rows());
  keeping_->keysOfBit.resize(rows() * abi::FILTER_BITS);
}

void TableHalf::keep(const TableEntries& entries) {
  for (size_t i = 0; i < entries.count; i++) {
    const TableKey key = keyAt(entries, i);
    const uint64_t sum = sumOf(key);
    const size_t index = find(key, sum).row;
    if (index != kNone) keeping_->kept[index] = true;
    else if (unplaced_.contains(key)) keeping_->homeless.insert(key);
    count(keeping_->keysOfBit, bitOf(sum));
  }
}

size_t TableHalf::dropRest(size_t from, size_t count) {
  if (from == 0)
    for (const size_t bit : leaving_) TableHalf::count(keeping_->keysOfBit, bit);
  const size_t wrong = keepRows(from, count) + mendFilter(from, count);
  keeping_->to = from + count;
  return keeping_->to == rows() ? wrong + endKeeping() : wrong;
}

size_t TableHalf::keepRows(size_t from, size_t count) {
  size_t removed = 0;
  for (size_t index = from; index < from + count; index++) {
    const uint32_t state = stateOf(index);
    if (state == abi::ROW_EMPTY) continue;
    const bool kept = keeping_->kept[index];
    keeping_->used += kept;
    keeping_->gone += !kept;
    if (kept || state != abi::ROW_USED) continue;
    setState(index, abi::ROW_GONE);
    removed++;
  }
  return removed;
}

size_t TableHalf::mendFilter(size_t from, size_t count) {
  constexpr size_t kRowsOfWord = 64 / abi::FILTER_BITS;
  size_t mended = 0;
  for (size_t word = from / kRowsOfWord; word < (from + count) / kRowsOfWord; word++) {
    uint64_t right = 0;
    for (size_t i = 0; i < 64; i++) right |= uint64_t{keeping_->keysOfBit[word * 64 + i] > 0} << i;
    if (load(filter_ + word) == right) continue;
    save(filter_ + word, right);
    mended++;
  }
  return mended;
}

size_t TableHalf::endKeeping() {
  const size_t wrong = unplaced_.size() - keeping_->homeless.size();
  unplaced_ = std::move(keeping_->homeless);
  keysOfBit_ = std::move(keeping_->keysOfBit);
  used_ = keeping_->used;
  gone_ = keeping_->gone;
  keeping_.reset();
  return wrong;
}

}  // namespace shunt
