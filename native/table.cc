#include <algorithm>
#include <bit>
#include <optional>

#include "bpf_fd.h"
#include "mapped_half.h"
#include "values.h"

namespace shunt {

namespace {

constexpr size_t kHalves = 2;

/**
 * The rows of one family and their filter. What is mapped counts as memory of a process: a half is mapped while there is anything
 * in it.
 */
class Table : public Handle {
 public:
  static constexpr napi_type_tag kTag = kTableTag;
  Table(int rowsFd, size_t rowsBytes, int filterFd, size_t filterBytes, unsigned rowBits, bool six)
      : rowsFd_(rowsFd), filterFd_(filterFd), rows_{rowsFd, rowsBytes / kHalves}, filter_{filterFd, filterBytes / kHalves},
        halves_{{TableHalf(rowBits, six), {}, {}}, {TableHalf(rowBits, six), {}, {}}} {}
  bool closed() const override { return rowsFd_.closed(); }
  void release() override {
    for (MappedHalf& each : halves_) each.unmap();
    rowsFd_.release();
    filterFd_.release();
  }
  TableHalf& half(uint32_t which) { return halves_[which - 1].half; }
  size_t keyBytes() const { return halves_[0].half.keyBytes(); }
  /** Has a half lie in memory. 0, or a negative errno. */
  int reach(uint32_t which) {
    MappedHalf& it = halves_[which - 1];
    return it.rows ? 0 : it.map(rows_, filter_, which - 1);
  }
  void leaveIfBlank(uint32_t which) {
    if (half(which).blank()) halves_[which - 1].unmap();
  }

 private:
  FdHandle rowsFd_, filterFd_;
  const MapHalves rows_, filter_;
  MappedHalf halves_[kHalves];
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

size_t bytesOf(const Map& map) { return map.valueSize * map.maxEntries; }

Napi::Value tableOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* rows = args.handle<Map>("rows");
  auto* filter = args.handle<Map>("filter");
  if (!args.ok()) return args.raise();
  if (rows->closed() || filter->closed()) return number(info.Env(), -EBADF);
  const std::optional<unsigned> rowBits = rowBitsOf(*rows, *filter);
  if (!rowBits) return number(info.Env(), -EINVAL);
  const bool six = rows->valueSize == sizeof(abi::row6);
  const int fds[] = {duplicate(rows->fd()), duplicate(filter->fd())};
  auto table = std::make_shared<Table>(fds[0], bytesOf(*rows), fds[1], bytesOf(*filter), *rowBits, six);
  for (const int fd : fds) {
    int rc = std::min(fd, 0);
    const bool mappable = rc == 0 && Memory::mapPart(fd, 0, sizeof(uint64_t), rc);
    if (!mappable) return number(info.Env(), rc);
  }
  return adopt(info.Env(), table);
}

/** Reads a table and which half of it, and then entries. */
class HalfArgs {
 public:
  explicit HalfArgs(const Napi::CallbackInfo& info) : info_(info), args_(info) {
    table_ = args_.handle<Table>("table");
    which_ = args_.u32("half");
    args_.expect(which_ >= 1 && which_ <= kHalves, "half", "1 or 2");
  }
  ~HalfArgs() {
    if (args_.ok() && !closed()) table_->leaveIfBlank(which_);
  }
  HalfArgs(const HalfArgs&) = delete;
  HalfArgs& operator=(const HalfArgs&) = delete;

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

  /** What a call answers instead of doing anything: nothing, if it may go on. `writes`: with rows and filter in memory. */
  std::optional<Napi::Value> refusal(bool writes, bool unknownToo = false) {
    if (!args_.ok()) return args_.raise();
    if (closed()) return number(info_.Env(), -EBADF);
    if (!unknownToo && !half().known()) return number(info_.Env(), -EINVAL);
    const int rc = writes ? table_->reach(which_) : 0;
    return rc == 0 ? std::nullopt : std::optional<Napi::Value>(number(info_.Env(), rc));
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
  if (const auto refusal = args.refusal(count > 0, true)) return *refusal;
  args.half().clear(from, count);
  return number(info.Env(), 0);
}

template <void (TableHalf::*Method)(const TableEntries&), bool WithValues>
Napi::Value forEntries(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(WithValues);
  if (const auto refusal = args.refusal(entries.count > 0)) return *refusal;
  (args.half().*Method)(entries);
  return number(info.Env(), 0);
}

Napi::Value tableForget(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal(true)) return *refusal;
  args.half().forget();
  return number(info.Env(), 0);
}

Napi::Value tableDiffering(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(true);
  if (const auto refusal = args.refusal(entries.count > 0)) return *refusal;
  const std::vector<uint32_t> found = args.half().differing(entries);
  Napi::Uint32Array indexes = Napi::Uint32Array::New(info.Env(), found.size());
  std::copy(found.begin(), found.end(), indexes.Data());
  return indexes;
}

Napi::Value tableKeepOnly(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(false);
  if (const auto refusal = args.refusal(true)) return *refusal;
  return number(info.Env(), static_cast<double>(args.half().keepOnly(entries)));
}

Napi::Value tableBeginKeeping(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal(false)) return *refusal;
  args.half().beginKeeping();
  return number(info.Env(), 0);
}

Napi::Value tableKeep(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  const TableEntries entries = args.entries(false);
  if (const auto refusal = args.refusal(entries.count > 0)) return *refusal;
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
  if (const auto refusal = args.refusal(true)) return *refusal;
  if (!args.half().keeping()) return number(info.Env(), -ECANCELED);
  return number(info.Env(), static_cast<double>(args.half().dropRest(from, count)));
}

Napi::Value tableCounts(const Napi::CallbackInfo& info) {
  HalfArgs args(info);
  if (const auto refusal = args.refusal(false)) return *refusal;
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
