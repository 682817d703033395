#include <limits>
#include <nlohmann/json.hpp>

#include "rfm_state.hpp"
#include "salesops/date.hpp"
#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

namespace {

using Json = nlohmann::json;
using clv_detail::DayRows;
constexpr int format = 1;

[[noreturn]] void broken(const char* what) {
  throw DataError(std::string("this is no RFM state that to_json wrote: ") + what);
}

template <class Integer>
Integer integer_of(const Json& json, Integer least = std::numeric_limits<Integer>::min(),
                   Integer most = std::numeric_limits<Integer>::max()) {
  if (!json.is_number_integer()) broken("a number is no integer");
  const bool too_large = json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t(INT64_MAX);
  if (too_large || std::cmp_less(json.get<std::int64_t>(), least) ||
      std::cmp_greater(json.get<std::int64_t>(), most))
    broken("a number is out of range");
  return static_cast<Integer>(json.get<std::int64_t>());
}

const Json& list(const Json& json, const char* name) {
  const Json& found = json.at(name);
  if (!found.is_array()) broken("a list is none");
  return found;
}

// ---- issues ----

Json json_of(const Issues& issues) {
  Json counts = Json::array();
  const Table summary = issues.summary();
  for (std::size_t i = 0; i < summary.num_rows(); ++i)
    counts.push_back(
        Json::array({summary.column("table").text(i), summary.column("column").text(i),
                     summary.column("rule").text(i), summary.column("n").values<std::int64_t>()[i]}));
  Json rows = Json::array();
  for (const Issue& issue : issues.rows())
    rows.push_back(Json::array(
        {issue.table, issue.column, issue.rule, issue.row, issue.value, static_cast<int>(issue.severity)}));
  return {{"counts", std::move(counts)}, {"rows", std::move(rows)}};
}

std::string text_of(const Json& json) { return json.get<std::string>(); }

Issues issues_of(const Json& json) {
  Issues issues;
  for (const Json& row : list(json, "rows"))
    issues.add(text_of(row.at(0)), integer_of<std::int64_t>(row.at(3), -1), text_of(row.at(1)),
               text_of(row.at(2)), text_of(row.at(4)),
               static_cast<Severity>(integer_of<int>(row.at(5), 0, static_cast<int>(Severity::error))));
  // Cases that are counted, but not kept.
  Issues others(Issues::Options{.max_rows = 0});
  for (const Json& count : list(json, "counts")) {
    const std::string table = text_of(count.at(0));
    const std::string column = text_of(count.at(1));
    const std::string rule = text_of(count.at(2));
    const std::int64_t known = issues.count(table, column, rule);
    if (known == 0) broken("a count has no case");
    others.add_many(table, -1, column, rule, integer_of<std::int64_t>(count.at(3), known) - known);
  }
  issues.merge(others);
  return issues;
}

// ---- customers and their days ----

Json json_of(const Column& customers) {
  Json names = Json::array();
  for (std::size_t i = 0; i < customers.size(); ++i) {
    if (customers.type() == Type::string)
      names.push_back(customers.text(i));
    else
      names.push_back(customers.values<std::int64_t>()[i]);
  }
  return names;
}

template <class Name>
std::vector<Name> ascending(const Json& json) {
  std::vector<Name> names;
  for (const Json& name : json) {
    if constexpr (std::is_same_v<Name, std::string>)
      names.push_back(text_of(name));
    else
      names.push_back(integer_of<Name>(name));
    if (names.size() > 1 && !(names[names.size() - 2] < names.back())) broken("customers are out of order");
  }
  return names;
}

/// One list a customer: day, amount and marked number of rows of each of its days in turn.
Json json_of(const RfmState::Data& data) {
  Json all = Json::array();
  for (std::size_t i = 0; i < data.customers(); ++i) {
    Json days = Json::array();
    for (std::size_t d = data.begins[i]; d < data.begins[i + 1]; ++d)
      for (const std::int64_t value :
           {std::int64_t{data.days.days[d]}, data.days.amounts[d], std::int64_t{data.days.rows[d]}})
        days.push_back(value);
    all.push_back(std::move(days));
  }
  return all;
}

void read_days(const Json& json, RfmState::Data& data) {
  std::size_t size = 0;
  for (const Json& days : json) size += days.size() / 3;
  data.days = DayRows(size);
  std::size_t at = 0;
  const auto [first, last] = data.by_minute ? std::pair(clv_detail::first_minute, clv_detail::last_minute)
                                            : std::pair(first_date.days, last_date.days);
  for (const Json& days : json) {
    if (!days.is_array() || days.empty() || days.size() % 3 != 0) broken("a customer has no days");
    for (std::size_t i = 0; i < days.size(); i += 3, ++at) {
      const auto day = integer_of<std::int32_t>(days[i], first, last);
      const auto rows = integer_of<std::uint32_t>(days[i + 2], 1);
      if (i > 0 && day <= data.days.days[at - 1]) broken("days are out of order");
      if (rows == clv_detail::refund_bit) broken("a day has no rows");
      data.days.put(at, day, integer_of<std::int64_t>(days[i + 1]), rows);
    }
    data.begins.push_back(at);
  }
}

}  // namespace

std::string RfmState::to_json() const {
  const Data& data = *data_;
  const Json json = {{"format", format},
                     {"batches", data.batches},
                     {"by_minute", data.by_minute},
                     {"zone", data.zone},
                     {"currency", data.currency},
                     {"has_amount", data.has_amount},
                     {"text", data.customer.type() == Type::string},
                     {"customers", json_of(data.customer)},
                     {"days", json_of(data)},
                     {"issues", json_of(data.issues)}};
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    throw UsageError("a customer's name is no UTF-8 text, which JSON needs");
  }
}

RfmState RfmState::from_json(std::string_view text) {
  auto data = std::make_shared<Data>();
  try {
    const Json json = Json::parse(text);
    if (integer_of<int>(json.at("format")) != format) broken("its format is of another version");
    data->batches = integer_of<std::size_t>(json.at("batches"), 0);
    data->by_minute = json.value("by_minute", false);
    data->zone = text_of(json.at("zone"));
    data->currency = text_of(json.at("currency"));
    data->has_amount = json.at("has_amount").get<bool>();
    const Json& customers = list(json, "customers");
    if (json.at("text").get<bool>())
      data->customer = Column::of_strings(ascending<std::string>(customers));
    else
      data->customer = Column::of(Type::int64, ascending<std::int64_t>(customers));
    read_days(list(json, "days"), *data);
    if (data->customers() != customers.size()) broken("customers and days are of different number");
    data->issues = issues_of(json.at("issues"));
  } catch (const Json::exception&) {
    broken("its shape is another");
  }
  RfmState state;
  state.data_ = std::move(data);
  return state;
}

}  // namespace clv
}  // namespace v0
}  // namespace salesops
