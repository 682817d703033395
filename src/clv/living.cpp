#include "living.hpp"

#include <concepts>
#include <string>

#include "salesops/error.hpp"

namespace salesops {
inline namespace v0 {
namespace clv {

Crowd::Crowd(std::span<const std::span<const double>> asked, const RfmView& customers, bool remember_last,
             const Execution& execution)
    : rows_of(0, {}) {
  constexpr std::size_t piece = 64;
  std::vector<std::span<const double>> columns(asked.begin(), asked.end());
  columns.insert(columns.end(), {customers.x, customers.T});
  if (!customers.t_x.empty()) columns.push_back(customers.t_x);
  rows = distinct_rows(columns, execution);
  const auto of_rows = [&](std::span<const double> column) {
    std::vector<double> values;
    values.reserve(rows.first.size());
    for (const std::uint32_t row : rows.first) values.push_back(column[row]);
    return values;
  };
  x = of_rows(customers.x);
  t_x = customers.t_x.empty() ? std::vector<double>(x.size()) : of_rows(customers.t_x);
  T = of_rows(customers.T);
  std::vector<std::vector<double>> asked_of_rows;
  for (const auto& column : asked) asked_of_rows.push_back(of_rows(column));
  columns.assign(asked_of_rows.begin(), asked_of_rows.end());
  columns.insert(columns.end(), {x, T});
  if (remember_last) columns.push_back(t_x);
  const DistinctRows distinct = distinct_rows(columns, execution);
  rows_of = Groups(distinct.first.size(), distinct.code);
  std::vector<double> x_of_futures;
  for (const std::uint32_t row : distinct.first) x_of_futures.push_back(x[row]);
  const std::array by_x{std::span<const double>(x_of_futures)};
  const DistinctRows numbers = distinct_rows(by_x, execution);
  const Groups alike_in_x(numbers.first.size(), numbers.code);
  futures = alike_in_x.members;
  for (std::size_t number = 0; number < numbers.first.size(); ++number)
    for (std::size_t i = alike_in_x.starts[number]; i < alike_in_x.starts[number + 1]; i += piece)
      pieces.push_back(i);
  pieces.push_back(futures.size());
}

namespace {

/// P(alive) costs less than to find out whose histories are alike.
template <class M>
constexpr bool alive_is_cheap = std::same_as<M, BGNBD> || std::same_as<M, MBGNBD> || std::same_as<M, NBD>;

/// P(alive) is made of a part of (x, T) and one of (x, t_x), of which there are few.
template <class M>
constexpr bool alive_has_parts = std::same_as<M, ParetoNBD>;

/// Rows from `begin` to `end` of customers who bought again, written one after the other; returns their
/// number. The others of one T are alike.
std::size_t who_came_back(std::span<const double> x, std::size_t begin, std::size_t end,
                          std::uint32_t* rows) {
  std::size_t found = 0;
  for (std::size_t i = begin; i < end; ++i) {  // without a branch, which nobody could guess
    rows[found] = static_cast<std::uint32_t>(i);
    found += x[i] == 0 ? 0 : 1;
  }
  return found;
}

/// Parts of P(alive) by (x, t_x): of all who bought again, in order.
struct LastPurchases {
  std::vector<std::size_t> starts;  ///< of each block of rows
  DistinctRows rows;
  std::vector<double> gone;

  LastPurchases(const ParetoNBD& model, const RfmView& customers, std::size_t block,
                const Execution& execution)
      : starts((customers.x.size() + block - 1) / block + 1) {
    const auto each_block = [&](const auto& work) {
      for_rows(customers.x.size(), block, execution,
               [&](std::size_t begin, std::size_t end) { work(begin / block, begin, end); });
    };
    each_block([&](std::size_t number, std::size_t begin, std::size_t end) {
      const auto part = customers.x.subspan(begin, end - begin);
      starts[number + 1] = part.size() - static_cast<std::size_t>(std::count(part.begin(), part.end(), 0.0));
    });
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::array<std::vector<double>, 2> own;
    for (std::vector<double>& column : own) column.resize(starts.back());
    each_block([&](std::size_t number, std::size_t begin, std::size_t end) {
      std::size_t at = starts[number];
      for (std::size_t i = begin; i < end && at < starts[number + 1]; ++i) {
        own[0][at] = customers.x[i];
        own[1][at] = customers.t_x[i];
        at += customers.x[i] == 0 ? 0 : 1;
      }
    });
    const std::array<std::span<const double>, 2> columns{own[0], own[1]};
    rows = distinct_rows(columns, execution);
    gone.resize(rows.first.size());
    for_rows(gone.size(), 256, execution, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint32_t row = rows.first[i];
        gone[i] = std::log(detail::pareto_term<false>(model, columns[0][row], columns[1][row]));
      }
    });
  }
};

/// `P(alive) · ahead[…]` of each row where P(alive) is no matter of distinct histories.
template <class M>
void weigh(const M& model, const Crowd& crowd, std::span<const double> ahead, const RfmView& customers,
           std::span<double> out, const Execution& execution) {
  constexpr std::size_t block = std::size_t{1} << 13U;
  const Execution silent{.threads = execution.threads, .stop = execution.stop};
  std::vector<double> alone(crowd.x.size());
  for (std::size_t i = 0; i < alone.size(); ++i)
    if (crowd.x[i] == 0) alone[i] = p_alive(model, 0, 0, crowd.T[i]) * ahead[i];
  /// `alive(number of the block, place among those of it who bought again, x, t_x, T, code)`.
  const auto each = [&](const auto& alive) {
    for_rows(out.size(), block, silent, [&](std::size_t begin, std::size_t end) {
      std::array<std::uint32_t, block> others;
      for (std::size_t i = begin; i < end; ++i)
        out[i] = customers.t_x[i] == 0 ? alone[crowd.rows.code[i]] : special::not_a_number;
      const std::size_t count = who_came_back(customers.x, begin, end, others.data());
      for (std::size_t k = 0; k < count; ++k) {
        const std::uint32_t i = others[k];
        const std::uint32_t code = crowd.rows.code[i];
        out[i] =
            alive(begin / block, k, customers.x[i], customers.t_x[i], customers.T[i], code) * ahead[code];
      }
    });
  };
  if constexpr (alive_has_parts<M>) {
    const LastPurchases last(model, customers, block, silent);
    std::vector<double> stay(crowd.x.size());
    for_rows(stay.size(), 256, silent, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        stay[i] = std::log(detail::pareto_term<true>(model, crowd.x[i], crowd.T[i]));
    });
    each([&](std::size_t number, std::size_t k, double x, double t_x, double T, std::uint32_t code) {
      if (!detail::history(x, t_x, T)) return special::not_a_number;
      const double gone = last.gone[last.rows.code[last.starts[number] + k]];
      return detail::pareto_alive(stay[code], gone, detail::pareto_fall(model, x, t_x, T));
    });
  } else {
    each([&](std::size_t, std::size_t, double x, double t_x, double T, std::uint32_t) {
      return p_alive(model, x, t_x, T);
    });
  }
}

/// `out[i] = P(alive) · question(living process, what row i asks)`.
template <class M, class Question>
void ask(const M& model, std::span<const std::span<const double>> asked, const RfmView& customers,
         std::span<double> out, const Execution& execution, const Question& question) {
  constexpr bool weighed_by_row = alive_is_cheap<M> || alive_has_parts<M>;
  const StopScope scope(execution.stop);
  for (const std::size_t length : {customers.t_x.size(), customers.T.size(), out.size()})
    if (length != customers.x.size())
      throw UsageError("x, t_x, T and the result have " + std::to_string(customers.x.size()) + " and " +
                       std::to_string(length) + " rows");
  RfmView told_apart = customers;
  if (weighed_by_row) told_apart.t_x = {};
  const Crowd crowd(asked, told_apart, remembers_last(model), execution);
  std::vector<double> values(crowd.rows.first.size());
  for_blocks(crowd.pieces.size() - 1, execution, [&](std::size_t piece) {
    ShapeTables tables;
    for (std::size_t i = crowd.pieces[piece]; i < crowd.pieces[piece + 1]; ++i) {
      const std::uint32_t one = crowd.alike(i).front();
      const double ahead =
          ask_living(model, crowd.x[one], crowd.t_x[one], crowd.T[one], tables,
                     [&](const auto& living) { return question(living, crowd.rows.first[one]); });
      for (const std::uint32_t row : crowd.alike(i))
        values[row] =
            weighed_by_row ? ahead : p_alive(model, crowd.x[row], crowd.t_x[row], crowd.T[row]) * ahead;
    }
  });
  if constexpr (weighed_by_row)
    weigh(model, crowd, values, customers, out, execution);
  else
    crowd.rows.spread(values, out, execution);
}

}  // namespace

template <class M>
void expected_transactions(const M& model, std::span<const double> t, const RfmView& customers,
                           std::span<double> out, const Execution& execution) {
  const std::array asked{t};
  ask(model, asked, customers, out, execution,
      [&](const auto& living, std::size_t row) { return expected_transactions_new(living, t[row]); });
}

template <class M>
void dert(const M& model, std::span<const double> discount_rate, const RfmView& customers,
          std::span<double> out, const Execution& execution) {
  const std::array asked{discount_rate};
  ask(model, asked, customers, out, execution,
      [&](const auto& living, std::size_t row) { return dert_new(living, discount_rate[row]); });
}

template <class M>
void dect(const M& model, std::span<const double> t, std::span<const double> discount_rate,
          const RfmView& customers, std::span<double> out, const Execution& execution) {
  const std::array asked{t, discount_rate};
  ask(model, asked, customers, out, execution,
      [&](const auto& living, std::size_t row) { return dect_new(living, t[row], discount_rate[row]); });
}

using Values = std::span<const double>;
using Out = std::span<double>;
template void expected_transactions(const NBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const BGNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const MBGNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const ParetoNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const SarmanovParetoNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const BGBB&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const BGCNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const MBGCNBD&, Values, const RfmView&, Out, const Execution&);
template void expected_transactions(const GGompertzNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const NBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const BGNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const MBGNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const ParetoNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const SarmanovParetoNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const BGBB&, Values, const RfmView&, Out, const Execution&);
template void dert(const BGCNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const MBGCNBD&, Values, const RfmView&, Out, const Execution&);
template void dert(const GGompertzNBD&, Values, const RfmView&, Out, const Execution&);
template void dect(const NBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const BGNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const MBGNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const ParetoNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const SarmanovParetoNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const BGBB&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const BGCNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const MBGCNBD&, Values, Values, const RfmView&, Out, const Execution&);
template void dect(const GGompertzNBD&, Values, Values, const RfmView&, Out, const Execution&);

}  // namespace clv
}  // namespace v0
}  // namespace salesops
