#include "dirt.hpp"

#include <algorithm>

namespace salesops {
inline namespace v0 {
namespace sample::detail {
namespace {

class Spoiler {
 public:
  Spoiler(const World& world, const Table& table, std::uint32_t place)
      : world_(world), table_(table), place_(place) {}

  /// Rows that come twice, the copy right after the first.
  void repeat() {
    std::vector<std::int64_t> order;
    for (std::size_t row = 0; row < table_.num_rows(); ++row) {
      order.push_back(static_cast<std::int64_t>(row));
      if (hit(row, 1)) order.push_back(static_cast<std::int64_t>(row));
    }
    table_ = table_.take(order);
  }
  /// Texts replaced: keys by one that names nothing, words by blanks.
  void replace_text(const std::string& name, std::uint32_t use, const std::string& by) {
    const Column& column = table_.column(name);
    std::vector<std::optional<std::string>> texts;
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (hit(row, use)) {
        texts.emplace_back(by);
      } else {
        texts.push_back(column.valid(row) ? std::optional<std::string>(column.text(row)) : std::nullopt);
      }
    }
    table_ = table_.with(name, Column::of_strings(texts));
  }
  /// Numbers changed where they aren't null.
  template <class T, class Change>
  void change(const std::string& name, std::uint32_t use, Change&& changed) {
    const Column& column = table_.column(name);
    const auto values = column.values<T>();
    std::vector<T> spoilt(values.begin(), values.end());
    std::vector<std::uint8_t> valid;
    for (std::size_t row = 0; row < spoilt.size(); ++row) {
      valid.push_back(column.valid(row) ? 1 : 0);
      if (column.valid(row) && hit(row, use)) spoilt[row] = changed(row, spoilt[row]);
    }
    table_ = table_.with(name, Column::of<T>(column.type(), std::move(spoilt), valid));
  }

  [[nodiscard]] const Table& table() const { return table_; }

 private:
  [[nodiscard]] bool hit(std::size_t row, std::uint32_t use) const {
    Stream luck = world_.stream(Purpose::dirt, row, place_ * 100 + use);
    return luck.bernoulli(world_.options.dirt);
  }

  const World& world_;
  Table table_;
  std::uint32_t place_;
};

}  // namespace

void spoil(const World& world, std::vector<std::pair<std::string, Table>>& tables) {
  std::uint32_t place = 0;
  for (auto& [name, table] : tables) {
    Spoiler spoiler(world, table, place++);
    if (name == "account") {
      spoiler.replace_text("industry", 2, "  ");
      spoiler.repeat();
    } else if (name == "lead") {
      spoiler.replace_text("source", 2, " ");
      spoiler.repeat();
    } else if (name == "activity") {
      spoiler.replace_text("actor_id", 2, "R-unknown");
    } else if (name == "opportunity") {
      const Column created = table.column("created_at");
      spoiler.replace_text("account_id", 2, "A-unknown");
      spoiler.replace_text("loss_reason", 3, "   ");
      spoiler.change<double>("probability", 4, [](std::size_t, double share) { return share * 100; });
      spoiler.change<std::int64_t>("closed_at", 5, [&](std::size_t row, std::int64_t) {
        return created.values<std::int64_t>()[row] - us_per_day;
      });
      spoiler.repeat();
    }
    table = spoiler.table();
  }
}

}  // namespace sample::detail
}  // namespace v0
}  // namespace salesops
