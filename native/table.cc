#include <bit>
#include <optional>

#include "memory.h"
#include "table_half.h"
#include "values.h"

namespace shunt {

namespace {

constexpr size_t kHalves = 2;

/** The rows of one family and their filter, mapped. */
class Table : public Handle {
 public:
  static constexpr napi_type_tag kTag = kTableTag;
  Table(std::shared_ptr<Memory> rows, std::shared_ptr<Memory> filter, unsigned rowBits, bool six)
      : rowBits(rowBits), rows_(std::move(rows)), filter_(std::move(filter)),
        half_{TableHalf(wordOf(*rows_, 0), wordOf(*filter_, 0), rowBits, six),
              TableHalf(wordOf(*rows_, rows_->size / kHalves), wordOf(*filter_, filter_->size / kHalves), rowBits, six)} {}
  bool closed() const override { return rows_->closed(); }
  void release() override {
    rows_->release();
    filter_->release();
  }
  TableHalf& half(uint32_t which) { return half_[which - 1]; }
  size_t keyBytes() const { return half_[0].keyBytes(); }
  const unsigned rowBits;

 private:
  static uint64_t* wordOf(const Memory& memory, size_t offset) {
    return reinterpret_cast<uint64_t*>(memory.at(offset));
  }

  std::shared_ptr<Memory> rows_, filter_;
  TableHalf half_[kHalves];
};

/** Of maps that are a table: two halves of rows, a power of two each, and FILTER_BITS bits for each row. */
std::optional<unsigned> rowBitsOf(const Map& rows, const Map& filter) {
  const size_t each = rows.maxEntries / kHalves;
  const size_t words = size_t{rows.maxEntries} * abi::FILTER_BITS / 64;
  const bool fits = (rows.valueSize == sizeof(abi::row4) || rows.valueSize == sizeof(abi::row6)) &&
                    each >= abi::PROBES_MAX && std::has_single_bit(rows.maxEntries) &&
                    filter.valueSize == sizeof(uint64_t) && filter.maxEntries == words;
  return fits ? std::optional<unsigned>(std::countr_zero(each)) : std::nullopt;
}

Napi::Value tableOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* rows = args.handle<Map>("rows");
  auto* filter = args.handle<Map>("filter");
  if (!args.ok()) return args.raise();
  if (rows->closed() || filter->closed()) return number(info.Env(), -EBADF);
  const std::optional<unsigned> rowBits = rowBitsOf(*rows, *filter);
  if (!rowBits) return number(info.Env(), -EINVAL);
  int rc = 0;
  std::shared_ptr<Memory> rowMemory = Memory::map(*rows, true, false, rc);
  std::shared_ptr<Memory> filterMemory = rowMemory ? Memory::map(*filter, true, false, rc) : nullptr;
  if (!filterMemory) return number(info.Env(), rc);
  const bool six = rows->valueSize == sizeof(abi::row6);
  return adopt(info.Env(), std::make_shared<Table>(rowMemory, filterMemory, *rowBits, six));
}

/** Reads a table and which half of it, and then entries. */
class HalfArgs {
 public:
  explicit HalfArgs(const Napi::CallbackInfo& info) : info_(info), args_(info) {
    table_ = args_.handle<Table>("table");
    which_ = args_.u32("half");
    args_.expect(which_ >= 1 && which_ <= kHalves, "half", "1 or 2");
  }

  TableEntries entries(bool withValues) {
    const Bytes keys = args_.bytes("keys");
    const Bytes values = withValues ? args_.bytes("values") : Bytes{};
    const size_t count = args_.u32("count");
    if (args_.ok()) {
      args_.expect(keys.size == count * table_->keyBytes(), "keys", "count keys of the table's family");
      args_.expect(!withValues || values.size == count * sizeof(abi::value), "values", "count values");
    }
    return {keys.data, values.data, count};
  }

  Args& args() { return args_; }
  TableHalf& half() { return table_->half(which_); }
  bool closed() const { return table_->closed(); }

  /** What a call answers instead of doing anything: nothing, if it may go on. */
  std::optional<Napi::Value> refusal(bool unknownToo = false) {
    if (!args_.ok()) return args_.raise();
    if (closed()) return number(info_.Env(), -EBADF);
    if (!unknownToo && !half().known()) return number(info_.Env(), -EINVAL);
    return std::nullopt;
  }

 private:
  const Napi::CallbackInfo& info_;
  Args args_;
  Table* table_ = nullptr;
  uint32_t which_ = 0;
};

Napi::Value tableClear(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const size_t from = args.args().u32("from");
  const size_t count = args.args().u32("count");
  if (args.args().ok()) {
    args.args().expect(from == 0 || from == args.half().cleared(), "from", "0, or where the last call ended");
    args.args().expect(count <= args.half().rows() - from, "count", "rows of a half");
  }
  if (const auto refusal = args.refusal(true)) return *refusal;
  args.half().clear(from, count);
  return number(info.Env(), 0);
}

template <void (TableHalf::*Method)(const TableEntries&), bool WithValues>
Napi::Value forEntries(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(WithValues);
  if (const auto refusal = args.refusal()) return *refusal;
  (args.half().*Method)(entries);
  return number(info.Env(), 0);
}

Napi::Value tableForget(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal()) return *refusal;
  args.half().forget();
  return number(info.Env(), 0);
}

Napi::Value tableDiffering(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(true);
  if (const auto refusal = args.refusal()) return *refusal;
  const std::vector<uint32_t> found = args.half().differing(entries);
  Napi::Uint32Array indexes = Napi::Uint32Array::New(info.Env(), found.size());
  std::copy(found.begin(), found.end(), indexes.Data());
  return indexes;
}

Napi::Value tableKeepOnly(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(false);
  if (const auto refusal = args.refusal()) return *refusal;
  return number(info.Env(), static_cast<double>(args.half().keepOnly(entries)));
}

Napi::Value tableBeginKeeping(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal()) return *refusal;
  args.half().beginKeeping();
  return number(info.Env(), 0);
}

Napi::Value tableKeep(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(false);
  if (const auto refusal = args.refusal()) return *refusal;
  if (!args.half().keeping()) return number(info.Env(), -ECANCELED);
  args.half().keep(entries);
  return number(info.Env(), 0);
}

Napi::Value tableDropRest(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const size_t from = args.args().u32("from");
  const size_t count = args.args().u32("count");
  if (args.args().ok()) {
    const TableHalf& half = args.half();
    args.args().expect(!half.keeping() || from == half.keptTo(), "from", "where the last call ended");
    args.args().expect(from <= half.rows() && count <= half.rows() - from && count % 8 == 0, "count",
                       "rows of a half, by eights");
  }
  if (const auto refusal = args.refusal()) return *refusal;
  if (!args.half().keeping()) return number(info.Env(), -ECANCELED);
  return number(info.Env(), static_cast<double>(args.half().dropRest(from, count)));
}

Napi::Value tableCounts(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal()) return *refusal;
  const TableHalf::Counts counts = args.half().counts();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rows", static_cast<double>(args.half().rows()));
  result.Set("used", static_cast<double>(counts.used));
  result.Set("gone", static_cast<double>(counts.gone));
  result.Set("unplaced", static_cast<double>(counts.unplaced));
  return result;
}

}  // namespace

void exportTables(Napi::Object exports) {
  expose<tableOpen>(exports, "tableOpen");
  expose<tableClear>(exports, "tableClear");
  expose<forEntries<&TableHalf::put, true>>(exports, "tablePut");
  expose<forEntries<&TableHalf::breakChecks, false>>(exports, "tableBreak");
  expose<forEntries<&TableHalf::remove, false>>(exports, "tableRemove");
  expose<tableForget>(exports, "tableForget");
  expose<tableDiffering>(exports, "tableDiffering");
  expose<tableKeepOnly>(exports, "tableKeepOnly");
  expose<tableBeginKeeping>(exports, "tableBeginKeeping");
  expose<tableKeep>(exports, "tableKeep");
  expose<tableDropRest>(exports, "tableDropRest");
  expose<tableCounts>(exports, "tableCounts");
}

}  // namespace shunt
