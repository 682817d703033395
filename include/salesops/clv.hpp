/// @file clv.hpp
/// Customer lifetime value: what a customer will still buy, whether it is still a customer, and what that is
/// worth. One struct of parameters a model, one name a question, for all models alike.
///
/// A customer is three numbers in one unit of time: `x` repeat purchases, the last of them at `t_x`, seen
/// until `T`, both counted from the first purchase (x = 0 has t_x = 0). All functions are `noexcept`,
/// allocate nothing, and return NaN outside the domain.
///
/// | question about a known customer (x, t_x, T)  | function                                      |
/// |----------------------------------------------|-----------------------------------------------|
/// | ln likelihood of its history                 | `log_likelihood(m, x, t_x, T)`                |
/// | is it still a customer at T                  | `p_alive(m, x, t_x, T)`, `log_p_alive`        |
/// | will it be one at T + t                      | `p_alive_at(m, t, x, t_x, T)`                 |
/// | purchases in (T, T+t]: mean                  | `expected_transactions(m, t, x, t_x, T)`      |
/// | ... exactly n of them                        | `pmf(m, n, t, x, t_x, T)`                     |
/// | ... none                                     | `p_no_transaction(m, t, x, t_x, T)`           |
/// | ... discounted to T, without end             | `dert(m, discount_rate, x, t_x, T)`           |
/// | ... discounted to T, until T + t             | `dect(m, t, discount_rate, x, t_x, T)`        |
/// | mean purchase rate                           | `expected_rate(m, x, t_x, T)`                 |
/// | mean dropout                                 | `expected_dropout(m, x, t_x, T)`              |
/// | spread of both, of one customer              | `clv/rates.hpp`                               |
/// | the process it follows if alive              | `given_alive(m, x, t_x, T)`                   |
///
/// | question about a customer at its first purchase | function                                   |
/// |-------------------------------------------------|--------------------------------------------|
/// | repeat purchases in (0, t]: mean                | `expected_transactions_new(m, t)`          |
/// | ... exactly n of them                           | `pmf_new(m, n, t)`                         |
/// | is it a customer at t                           | `p_alive_new(m, t)`                        |
/// | ... discounted, without end                     | `dert_new(m, discount_rate)`               |
/// | ... discounted, until t                         | `dect_new(m, t, discount_rate)`            |
///
/// BG/BB counts opportunities: (x, t_x, n) stands for (x, t_x, T) and t is a number of opportunities.
/// (M)BG/CNBD-k: `log_likelihood(m, x, t_x, T, sum_log_gaps = 0)`.
///
/// Spend: `log_likelihood(GammaGamma, x, mean_spend)`, `expected_spend(m, x, mean_spend)`,
/// `expected_spend_new(m)`.
///
/// Contracts (`SBG`, `BdW`): `survival(m, t)`, `survival_given(m, t, n)`, `retention(m, t)`,
/// `log_likelihood(m, survivors)` (a span: active after 0, 1, ... renewals), `log_p_churn(m, t)`,
/// `log_survival(m, t)`, `residual_lifetime(m, discount_rate, n, Renewal::due | Renewal::made)`.
#pragma once

#include "salesops/clv/bdw.hpp"
#include "salesops/clv/bgbb.hpp"
#include "salesops/clv/bgcnbd.hpp"
#include "salesops/clv/bgnbd.hpp"
#include "salesops/clv/gammagamma.hpp"
#include "salesops/clv/ggompertznbd.hpp"
#include "salesops/clv/mbgnbd.hpp"
#include "salesops/clv/nbd.hpp"
#include "salesops/clv/paretonbd.hpp"
#include "salesops/clv/sarmanovparetonbd.hpp"
#include "salesops/clv/sbg.hpp"
