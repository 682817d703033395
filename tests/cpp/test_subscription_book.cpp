#include "subscription_rows.hpp"

using namespace subscription_test;
using salesops::Crm;

namespace {

using Texts = std::vector<std::optional<std::string>>;
Column texts(const Texts& values) { return Column::of_strings(values); }

/// One account with a yearly subscription that grows, rests, is renewed, and another that ends; a row without
/// an account.
Crm book() {
  return Crm::build(
      {{"account", Table({{"account_id", texts({"a"})}})},
       {"subscription", Table({{"subscription_id", texts({"s", "t", "lost"})},
                               {"account_id", texts({"a", "a", std::nullopt})},
                               {"start", texts({"2025-01-01", "2025-03-05", "2025-01-01"})},
                               {"trial_end", texts({std::nullopt, "2025-03-20", std::nullopt})},
                               {"end", texts({std::nullopt, "2025-06-10", std::nullopt})},
                               {"interval", texts({"year", "month", "month"})},
                               {"qty", texts({"2", "3", "1"})},
                               {"unit_amount", texts({"600", "10", "9"})},
                               {"discount", texts({std::nullopt, "6", std::nullopt})},
                               {"currency", texts({"EUR", "EUR", "EUR"})}})},
       {"subscription_event", Table({{"subscription_id", texts({"s", "s", "s", "s"})},
                                     {"at", texts({"2025-04-10", "2025-08-10", "2025-09-10", "2026-01-01"})},
                                     {"type", texts({"change", "pause", "resume", "renew"})},
                                     {"mrr_after", texts({"150", std::nullopt, std::nullopt, "120"})},
                                     {"currency", texts({"EUR", "EUR", "EUR", "EUR"})}})}});
}

}  // namespace

TEST(SubscriptionBook, EventsTellWhatIsPaid) {
  subscription::Options options;
  options.as_of = at("2026-03-01");
  const auto state = State::of_book(book());
  EXPECT_EQ(
      story(state.finish(options)),
      "2025-01 new 100.00, 2025-03 expansion 24.00, 2025-04 expansion 50.00, 2025-06 contraction -24.00, "
      "2025-08 churn -150.00, 2025-09 reactivation 150.00, 2026-01 contraction -30.00");
  EXPECT_EQ(state.finish(options).issues.count("subscription", "account_id", "no_customer"), 1);
  subscription::Columns columns;
  columns.follow = Follow::subscription;
  const auto each = State::of_book(book(), columns, false).finish(options);
  EXPECT_EQ(story(each),
            "2025-01 new 109.00, 2025-03 new 24.00, 2025-04 expansion 50.00, 2025-06 churn -24.00, "
            "2026-01 contraction -30.00");
}

TEST(SubscriptionBook, RevenueAYearIsThatOfThePrice) {
  const auto of = [](const char* price, const char* told) {
    const Crm crm = Crm::build({{"account", Table({{"account_id", texts({"a"})}})},
                                {"subscription", Table({{"subscription_id", texts({"s"})},
                                                        {"account_id", texts({"a"})},
                                                        {"start", texts({"2026-01-01"})},
                                                        {"interval", texts({"year"})},
                                                        {"unit_amount", texts({price})},
                                                        {"currency", texts({"EUR"})}})},
                                {"subscription_event", Table({{"subscription_id", texts({"s"})},
                                                              {"at", texts({"2026-02-01"})},
                                                              {"type", texts({"change"})},
                                                              {"mrr_after", texts({told})},
                                                              {"currency", texts({"EUR"})}})}});
    subscription::Options options;
    options.as_of = at("2026-03-01");
    return State::of_book(crm).finish(options);
  };
  using Amounts = std::vector<std::int64_t>;
  EXPECT_EQ(of("10", "0.83").annual, (Amounts{1000, 1000}));  // the event repeats the price
  EXPECT_EQ(of("10", "0.84").annual, (Amounts{1000, 1008}));  // all that is known is a month
  EXPECT_EQ(of("10", "0").annual, (Amounts{1000, 0}));
  EXPECT_EQ(of("0.05", "0").annual, (Amounts{5, 0}));  // it ends what is under half a cent a month too
  EXPECT_EQ(of("0.05", "2").annual, (Amounts{5, 2400}));
  EXPECT_EQ(of("0.05", "2").end, (Amounts{0, 200}));
}

TEST(SubscriptionBook, DaysAreThoseOfTheZone) {
  const Crm days = Crm::build({{"account", Table({{"account_id", texts({"a"})}})},
                               {"subscription", Table({{"subscription_id", texts({"s"})},
                                                       {"account_id", texts({"a"})},
                                                       {"start", texts({"2026-01-01"})},
                                                       {"unit_amount", texts({"10"})},
                                                       {"currency", texts({"EUR"})}})},
                               {"subscription_event", Table({{"subscription_id", texts({"s"})},
                                                             {"at", texts({"2026-02-01"})},
                                                             {"type", texts({"change"})},
                                                             {"mrr_after", texts({"12"})},
                                                             {"currency", texts({"EUR"})}})}});
  for (const char* zone : {"UTC", "America/New_York", "Asia/Tokyo"}) {
    subscription::Columns columns;
    columns.zone = TimeZone::load(zone);
    subscription::Options options;
    options.as_of = at("2026-03-05");
    EXPECT_EQ(story(State::of_book(days, columns).finish(options)),
              "2026-01 new 10.00, 2026-02 expansion 2.00")
        << zone;
  }
}

TEST(SubscriptionBook, OnlyRenewalsAndEndsAreUp) {
  subscription::RenewalOptions options;
  options.options.as_of = at("2026-03-01");
  const auto made = subscription::renewals(State::of_book(book(), {}, false), options);
  std::int64_t up = 0, renewed = 0;
  for (std::size_t i = 0; i < made.size(); ++i) up += made.up[i], renewed += made.renewed[i];
  EXPECT_EQ(up, 2);
  EXPECT_EQ(renewed, 1);
  EXPECT_EQ(made.available[11], 15000);
  EXPECT_EQ(made.kept[11], 12000);
}

TEST(SubscriptionBook, TermsAreThoseOfTheKpis) {
  const subscription::Terms terms(book(), {});
  EXPECT_EQ(terms.monthly, (std::vector<double>{10000, 2400, 900}));
  EXPECT_EQ(terms.account, (std::vector<std::int32_t>{0, 0, -1}));
  EXPECT_FALSE(terms.runs(1, day("2025-03-19").days));  // on trial
  EXPECT_TRUE(terms.runs(1, day("2025-03-20").days));
  EXPECT_FALSE(terms.runs(1, day("2025-06-10").days));
  EXPECT_TRUE(terms.pauses.on(0, day("2025-08-10").days));
  EXPECT_FALSE(terms.pauses.on(0, day("2025-09-10").days));
}

TEST(SubscriptionBook, ABookWithoutSubscriptionsSaysSo) {
  const auto none = Crm::build({{"account", Table({{"account_id", texts({"a"})}})}});
  EXPECT_THROW((void)State::of_book(none), UsageError);
}
