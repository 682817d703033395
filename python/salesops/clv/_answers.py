"""One question a method, by one name for all models of purchases."""

from __future__ import annotations

from typing import Any


class Answers:
    """Answers about one customer or many, as numbers and arrays."""

    def _ask(self, question: str, **columns: Any) -> Any:
        raise NotImplementedError

    def log_likelihood(self, x: Any, t_x: Any, T: Any) -> Any:
        """Log-likelihood of each customer's history; `UsageError` names rows with t_x > T, here and below."""
        return self._ask("log_likelihood", x=x, t_x=t_x, T=T)

    def p_alive(self, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of being still a customer at T."""
        return self._ask("p_alive", x=x, t_x=t_x, T=T)

    def log_p_alive(self, x: Any, t_x: Any, T: Any) -> Any:
        """Logarithm of `p_alive`, where the probability itself is below the smallest number."""
        return self._ask("log_p_alive", x=x, t_x=t_x, T=T)

    def p_alive_at(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of being still a customer at T + t."""
        return self._ask("p_alive_at", t=t, x=x, t_x=t_x, T=T)

    def expected_transactions(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Mean number of purchases in (T, T + t]."""
        return self._ask("expected_transactions", t=t, x=x, t_x=t_x, T=T)

    def expected_transactions_new(self, t: Any) -> Any:
        """Mean number of repeat purchases in the first t of a new customer."""
        return self._ask("expected_transactions_new", t=t)

    def pmf(self, n: Any, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of n purchases in (T, T + t]."""
        return self._ask("pmf", n=n, t=t, x=x, t_x=t_x, T=T)

    def pmf_new(self, n: Any, t: Any) -> Any:
        """Probability of n repeat purchases in the first t of a new customer."""
        return self._ask("pmf_new", n=n, t=t)

    def p_no_transaction(self, t: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Probability of no purchase in (T, T + t]."""
        return self._ask("p_no_transaction", t=t, x=x, t_x=t_x, T=T)

    def dert(self, discount_rate: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Discounted expected purchases after T, without end."""
        return self._ask("dert", discount_rate=discount_rate, x=x, t_x=t_x, T=T)

    def dect(self, t: Any, discount_rate: Any, x: Any, t_x: Any, T: Any) -> Any:
        """Discounted expected purchases in (T, T + t]."""
        return self._ask("dect", t=t, discount_rate=discount_rate, x=x, t_x=t_x, T=T)

    def p_alive_new(self, t: Any) -> Any:
        """Probability that a new customer is still one after t."""
        return self._ask("p_alive_new", t=t)

    def dert_new(self, discount_rate: Any) -> Any:
        """Discounted expected repeat purchases of a new customer, without end."""
        return self._ask("dert_new", discount_rate=discount_rate)

    def dect_new(self, t: Any, discount_rate: Any) -> Any:
        """Discounted expected repeat purchases in the first t of a new customer."""
        return self._ask("dect_new", t=t, discount_rate=discount_rate)

    def expected_rate(self, x: Any, t_x: Any, T: Any) -> Any:
        """Mean purchase rate while alive, per unit of T."""
        return self._ask("expected_rate", x=x, t_x=t_x, T=T)

    def expected_dropout(self, x: Any, t_x: Any, T: Any) -> Any:
        """Mean dropout: a probability a purchase or an opportunity, or a rate (Pareto, GGompertz)."""
        return self._ask("expected_dropout", x=x, t_x=t_x, T=T)
