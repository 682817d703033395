/// @file ingest.hpp
/// From the tables a CRM hands out to the tables of the data model.
///
/// A `Mapping` says, table by table, which source tables and columns feed which columns of the data
/// model and how their texts are read. `apply` follows it and gives tables for `Crm::build`. Names are
/// compared without case, blanks and punctuation, so one mapping takes the names of the API and the
/// labels of a report export; tables also in singular and plural. The names of the data model
/// itself are always understood. Columns the mapping doesn't know are kept, under a snake_case name.
///
/// Texts are never guessed at. What can't be read for certain is null and a row of `Issues`, under the
/// source's own table, column and row number:
///
/// | rule                   | meaning                                                                   |
/// |------------------------|---------------------------------------------------------------------------|
/// | `placeholder`          | "Select", "N/A", "-", "None" … stand for nothing; null                     |
/// | `ambiguous_date`       | no value tells day from month (03/04/2026) and no `date_order` is given; null |
/// | `mixed_date_order`     | some values can only be day first, others only month first; the others null |
/// | `not_a_date`           | no date; null                                                             |
/// | `date_only`            | an instant without a time of day, taken as midnight UTC (once a column)   |
/// | `epoch_time`           | numbers were read as time since 1970 (once a column)                      |
/// | `two_digit_year`       | 00–68 are 20xx, 69–99 are 19xx (POSIX)                                    |
/// | `ambiguous_number`     | 1.234 or 1,234 may be a thousand or one and a bit; null                   |
/// | `mixed_decimal_mark`   | a column uses point and comma for decimals; the undecided null            |
/// | `currency_mismatch`    | the amount's own currency isn't the row's; null                           |
/// | `mixed_fraction_scales`| percent signs on some values only; those without are null, not the others |
/// | `bad_id_checksum`      | an 18-character Salesforce id whose last three don't fit; kept            |
/// | `title_row`, `footer_row`, `blank_row`, `header_row` | rows of a report that are no data; left out |
/// | `row_left_out`         | rows the mapping's `where` or `only_listed` excludes (counted)            |
/// | `not_joined`           | a row that joins nothing; left out                                        |
/// | `unknown_table`        | a table the mapping doesn't know; left out                                |
/// | `name_taken`           | a column's name was taken and got a number                                |
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salesops/calendar.hpp"
#include "salesops/crm.hpp"
#include "salesops/issues.hpp"
#include "salesops/table.hpp"

namespace salesops {
inline namespace v0 {
namespace ingest {

/// Order of day, month and year in numeric dates. `detect`: a value above 12 decides for its column.
enum class DateOrder : std::uint8_t { detect, dmy, mdy, ymd };
enum class DecimalMark : std::uint8_t { detect, point, comma };
/// What a number in a time column counts. `detect`: s, ms or us since 1970, by magnitude (no overlap
/// between the years 1973 and 5000). `excel_days`: days since 1899-12-30.
enum class Epoch : std::uint8_t { detect, s, ms, us, excel_days };

/// How the texts of a column are read; what isn't set is the mapping's.
struct Reader {
  DateOrder date_order = DateOrder::detect;
  DecimalMark decimal = DecimalMark::detect;
  Epoch epoch = Epoch::detect;
  std::string clock;     ///< zone of readings without an offset; empty: the mapping's `clock`
  bool percent = false;  ///< given as 0 to 100
};

/// True for rows whose `column` is one of `values` (compared as numbers where both are).
struct Condition {
  std::string column = {};
  std::vector<std::string> values = {};
};

/// One place where a column's values come from.
struct Source {
  std::vector<std::string> columns = {};           ///< names of the same thing; the first that has a value
  std::optional<std::string> constant = {};        ///< or this text in every row
  std::vector<Condition> when = {};                ///< only in rows where all hold
  std::map<std::string, std::string> values = {};  ///< texts (without case) to others; empty text: null
  bool only_listed = false;                        ///< rows with texts outside `values` are left out
  Reader reader = {};
};

struct ColumnMapping {
  std::string column = {};           ///< of the data model, or a name of the caller's
  std::vector<Source> sources = {};  ///< of each row the first that isn't null; none: never filled
};

/// How one table of the data model is fed from one kind of source table.
struct TableMapping {
  std::string table = {};                 ///< of the data model
  std::vector<std::string> sources = {};  ///< names of source tables or files
  std::vector<ColumnMapping> columns = {};
  std::vector<Condition> where = {};       ///< only rows where all hold
  std::vector<std::string> order_by = {};  ///< equal times of events keep the order of this column (`seq`)
  bool distinct = false;                   ///< one row a key, the first, and mapped columns only
  bool join = false;                       ///< fills columns of rows that another mapping of the table makes
  std::vector<std::map<std::string, std::string>> rows =
      {};  ///< rows the source doesn't hold, such as stages
};

/// See the file's head. Plain data: build it in code, or read it from JSON with `parse`.
struct Mapping {
  std::string name;
  bool salesforce_ids = false;  ///< ids of 15 characters are lifted to 18
  DateOrder date_order = DateOrder::detect;
  DecimalMark decimal = DecimalMark::detect;
  std::string zone;   ///< zone in which an instant is cut to a date; empty: UTC
  std::string clock;  ///< zone of readings without an offset; empty: `zone`
  std::vector<std::string> placeholders = default_placeholders();
  std::vector<std::string> footers = default_footers();  ///< what summary and footer rows begin with
  std::vector<TableMapping> tables;

  /// From JSON; the guide has the notation. Throws `UsageError` that names the key.
  static Mapping parse(std::string_view json);
  static std::vector<std::string> default_placeholders();
  static std::vector<std::string> default_footers();
};

/// "salesforce", "hubspot", "pipedrive", "odoo".
std::vector<std::string> presets();
/// JSON of a preset. Throws `UsageError` for other names.
std::string_view preset_text(std::string_view name);
Mapping preset(std::string_view name);

struct Options {
  std::vector<TimeZone> zones;  ///< used by name before the system's
  IssueOptions issues;
  Execution execution = {};
};

struct Result {
  NamedTables tables;  ///< for `Crm::build`
  Issues issues;
};

/// Throws `UsageError` when the mapping fits none of the tables, or names what the model doesn't have.
Result apply(const Mapping& mapping, const NamedTables& raw, const Options& options = {});

/// Where a report's table begins: the number of lines before the header. A title line has none or one
/// of the names that `mapping` knows, the header at least two; 0 if no line of the first 30 has.
std::size_t title_lines(const Mapping& mapping, std::string_view text);

/// Names of the time zones that a mapping reads clocks of or cuts dates in.
std::vector<std::string> zones(const Mapping& mapping);

/// Whether a source table of that name feeds any table of the data model.
bool understands(const Mapping& mapping, std::string_view table);

/// The columns `names` of a source table that should be read as they stand in a file (ids, texts, codes,
/// amounts, and clock readings outside UTC): a type inferred for them would lose digits or zones.
std::vector<std::string> text_columns(const Mapping& mapping, std::string_view table,
                                      const std::vector<std::string>& names);

/// The id of 18 characters of a Salesforce id of 15; other texts as they are.
std::string salesforce_id(std::string_view id);

/// What a book tells about how it was imported:
///
/// | rule                       | meaning                                                             |
/// |----------------------------|---------------------------------------------------------------------|
/// | `import_day_spike`         | one day holds a tenth of all creations and ten times the median day |
/// | `history_starts_late`      | first stage change a day or more after creation, old value unknown   |
/// | `event_before_created`     | a change before the deal was created (clock skew)                   |
/// | `amount_edited_after_close`| the amount changed after the deal closed                            |
/// | `pipeline_changed`         | the deal moved to another pipeline                                  |
/// | `unknown_stage_in_history` | a past stage that stage_def no longer has                           |
/// | `owner_inactive`           | an open deal whose owner has left                                   |
Issues check(const Crm& crm, const IssueOptions& options = {});

}  // namespace ingest
}  // namespace v0
}  // namespace salesops
