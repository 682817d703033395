#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "deal_sums.hpp"

namespace salesops {
inline namespace v0 {
namespace kpi {

namespace {

using Json = nlohmann::json;
constexpr int format = 1;

std::string digits(uint128 value) {
  std::string text;
  do text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  while ((value /= 10) != 0);
  return text;
}

/// As text: JSON numbers of most readers are doubles.
Json whole(int128 value) {
  const auto magnitude = value < 0 ? -static_cast<uint128>(value) : static_cast<uint128>(value);
  return (value < 0 ? "-" : "") + digits(magnitude);
}

[[noreturn]] void broken(const char* what) {
  throw DataError(std::string("this is no scorecard state that to_json wrote: ") + what);
}

uint128 magnitude_of(std::string_view text) {
  if (text.empty() || text.size() > 39) broken("a number has no or too many digits");
  uint128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') broken("a number has other characters than digits");
    const auto digit = static_cast<uint128>(c - '0');
    if (value > (~uint128{0} - digit) / 10) broken("a number is too large");
    value = value * 10 + digit;
  }
  return value;
}

int128 whole_of(const Json& json) {
  const std::string text = json.get<std::string>();
  const bool negative = text.starts_with('-');
  const uint128 magnitude = magnitude_of(std::string_view(text).substr(negative ? 1 : 0));
  if (magnitude >> 127 != 0) broken("a number is too large");
  const auto value = static_cast<int128>(magnitude);
  return negative ? -value : value;
}

std::int64_t integer_of(const Json& json) {
  if (!json.is_number_integer()) broken("a count is no integer");
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    broken("a count is too large");
  return json.get<std::int64_t>();
}

Json json_of(const Spread& spread) {
  return {spread.count, whole(spread.sum), digits(spread.squares.low), spread.squares.high};
}

Spread spread_of(const Json& json) {
  return {integer_of(json.at(0)), whole_of(json.at(1)),
          WideSum{magnitude_of(json.at(2).get<std::string>()), integer_of(json.at(3))}};
}

Json json_of(const DealSums& sums) {
  return {sums.won,
          sums.lost,
          sums.unknown,
          sums.lost_priced,
          whole(sums.lost_amount),
          json_of(sums.won_amount),
          json_of(sums.cycle)};
}

DealSums sums_of(const Json& json) {
  DealSums sums;
  sums.won = integer_of(json.at(0));
  sums.lost = integer_of(json.at(1));
  sums.unknown = integer_of(json.at(2));
  sums.lost_priced = integer_of(json.at(3));
  sums.lost_amount = whole_of(json.at(4));
  sums.won_amount = spread_of(json.at(5));
  sums.cycle = spread_of(json.at(6));
  const bool more_than_all =
      sums.won_amount.count > sums.won || sums.cycle.count > sums.won || sums.lost_priced > sums.lost;
  if (sums.negative() || more_than_all) broken("a count is negative or exceeds what it is a part of");
  return sums;
}

}  // namespace

std::string ScorecardState::to_json() const {
  const Data& data = *data_;
  Json json = {{"format", format},      {"asked", data.asked},       {"counted", data.counted},
               {"period", data.period}, {"currency", data.currency}, {"as_of", data.as_of.us},
               {"keys", Json::array()}, {"groups", Json::array()}};
  for (const Data::Key& key : data.keys) {
    Json labels = Json::array();
    for (const Label& label : key.labels) labels.push_back(Json::array({label.order, label.text}));
    json["keys"].push_back({{"name", key.name}, {"labels", std::move(labels)}});
  }
  for (const std::size_t group : data.order().groups)
    json["groups"].push_back(Json::array({data.codes_of(group), json_of(data.sums[group])}));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ScorecardState ScorecardState::from_json(std::string_view text) {
  ScorecardState state;
  Data& data = *state.data_;
  try {
    const Json json = Json::parse(text);
    if (integer_of(json.at("format")) != format) broken("its format is of another version");
    data.asked = json.at("asked").get<bool>();
    data.period = json.at("period").get<std::string>();
    data.counted = json.at("counted").get<std::string>();
    data.currency = json.at("currency").get<std::string>();
    data.as_of = Instant{integer_of(json.at("as_of"))};
    for (const Json& key : json.at("keys")) {
      data.keys.push_back({.name = key.at("name").get<std::string>(), .labels = {}, .codes = {}});
      for (const Json& label : key.at("labels"))
        if (data.keys.back().code({integer_of(label.at(0)), label.at(1).get<std::string>()}) + 1 !=
            static_cast<std::int32_t>(data.keys.back().labels.size()))
          broken("a label occurs twice");
    }
    for (const Json& group : json.at("groups")) {
      std::vector<std::int32_t> codes;
      for (const Json& code : group.at(0)) codes.push_back(static_cast<std::int32_t>(integer_of(code)));
      if (codes.size() != data.keys.size()) broken("a group has too few or too many keys");
      for (std::size_t k = 0; k < codes.size(); ++k)
        if (codes[k] < -1 || codes[k] >= static_cast<std::int32_t>(data.keys[k].labels.size()))
          broken("a key names no label");
      const std::size_t place = data.place(codes);
      if (!data.sums[place].empty()) broken("a group occurs twice");
      data.sums[place] = sums_of(group.at(1));
    }
  } catch (const Json::exception&) {
    broken("its shape is another");
  }
  return state;
}

}  // namespace kpi
}  // namespace v0
}  // namespace salesops
