// The steps from one version of a book to the next: each costs what the changes cost, where it can.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "salesops/crm.hpp"
#include "state.hpp"

namespace salesops {
inline namespace v0 {
namespace crm_detail {

/// Where the rows of the changes go.
struct Placement {
  TableCounts counts{};
  std::shared_ptr<const Graves> graves;
  std::vector<std::int64_t> rows;     ///< of the book, rising; those behind its end are new
  std::vector<std::int64_t> from;     ///< the row of the changes for each
  std::vector<std::int64_t> leaving;  ///< rows of the book that are deleted, rising
};
Placement place(const TableModel& model, const BookTable& book, const Table& changes, Issues& issues);

/// Makes the next version of a book in place of a copy of the last one.
class Revision {
 public:
  explicit Revision(const Book& before, Book& after) : before_(before), after_(after) {}

  /// Each given table in turn, then the rest in this order.
  void merge(const std::string& name, const Table& raw);
  /// Books of versions alone know the deals from them.
  void find_deals();
  void link();
  void extend_history();
  void derive();
  void conclude();

 private:
  /// What became of a table.
  struct Change {
    std::vector<std::int64_t> rows;  ///< changed or new, rising
    bool renumbered = false;         ///< rows left, so that others have new numbers; or all are new
    bool merges = false;             ///< merged_into may be another
  };

  [[nodiscard]] const BookTable& now(std::string_view name) const {
    return *after_.tables.find(name)->second;
  }
  [[nodiscard]] const Table& was(const std::string& name) const;
  /// The table for changing; a copy of the last version's when asked first.
  BookTable& open(const std::string& name);
  void drop_rows(BookTable& book, const TableModel& model, std::span<const std::int64_t> leaving);
  void index_new_keys(BookTable& book, const std::string& key, std::size_t rows_before);
  void link_rows(const std::string& name, const ColumnModel& column, std::span<const std::int64_t> orphans);
  /// Rows of the last version whose id had no row to name and has one now.
  [[nodiscard]] std::vector<std::int64_t> orphans_of_new_keys(const std::string& name,
                                                              const ColumnModel& column) const;
  void report_orphans(const std::string& name, const ColumnModel& column, std::span<const std::int64_t> rows);

  void rebuild_history();
  /// What differs between the deals before and now, as history at their modification time.
  [[nodiscard]] std::vector<History::Row> differences(std::span<const std::int64_t> deals) const;
  [[nodiscard]] std::vector<std::int64_t> deals_to_remake(const Rows& fresh,
                                                          std::span<const std::int64_t> touched) const;
  [[nodiscard]] Rows all_rows_of(std::span<const std::int64_t> deals) const;
  void fill_from_history(std::span<const std::int64_t> touched);
  void fill_currency(Table& table, std::span<const std::int64_t> touched) const;

  const Book& before_;
  Book& after_;
  std::map<std::string, std::shared_ptr<BookTable>> open_;
  std::map<std::string, Change, std::less<>> changes_;
  std::map<std::string, std::set<std::string>> given_;  ///< columns that the changes have
  Rows adopted_;                         ///< rows of history tables that came before their deal
  std::vector<std::int64_t> rewritten_;  ///< deals with another history, rising
};

}  // namespace crm_detail
}  // namespace v0
}  // namespace salesops
