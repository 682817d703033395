"""One question a method, by one name for all models of purchases."""

from __future__ import annotations

from typing import Any

from salesops._arguments import checked


class Answers:
    """Answers about one customer or many, as numbers and arrays."""

    def _ask(self, question: str, **columns: Any) -> Any:
        raise NotImplementedError

    def _distribution(self, question: str, level: float, **columns: Any) -> dict[str, Any]:
        raise NotImplementedError

    def log_likelihood(self, x: Any, t_x: Any, T: Any) -> Any:
        """Log-likelihood of each customer's history; `UsageError` lists what is none, here and below."""
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
        """Mean number of purchases in (T, T + t]; t may be infinite."""
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
        """Discounted expected purchases in (T, T + t]; for an infinite t they are `dert`."""
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

    @checked
    def rate_distribution(self, x: Any, t_x: Any, T: Any, *, level: float = 90) -> dict[str, Any]:
        """Purchase rate of the customer itself, which differs among those of one history.

        Parameters
        ----------
        x, t_x, T
            Histories, as for all questions.
        level
            Percent that lie between ``lo`` and ``hi``.

        Returns
        -------
        dict
            ``mean`` (`expected_rate`), ``sd``, ``lo`` and ``hi``, numbers or arrays. The parameters are taken
            as known; `Posterior.ask` tells what their draws make of any of the four.

        Notes
        -----
        Given the history the rate is a mixture, over whether and when the customer left, of the conjugate
        distributions: gammas, in BG/BB betas. The ends are its exact quantiles. Models whose customers may
        leave at any time integrate over that time, which takes some tenths of a millisecond a customer.

        Examples
        --------
        >>> import salesops as so
        >>> model = so.clv.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> found = model.rate_distribution(x=2, t_x=30.43, T=38.86, level=80)
        >>> {name: round(value, 4) for name, value in found.items()}
        {'mean': 0.0553, 'sd': 0.0375, 'lo': 0.0161, 'hi': 0.1051}
        """
        return self._distribution("rate_distribution", level, x=x, t_x=t_x, T=T)

    @checked
    def dropout_distribution(self, x: Any, t_x: Any, T: Any, *, level: float = 90) -> dict[str, Any]:
        """Dropout of the customer itself, which differs among those of one history.

        The arguments and the answer are as in `rate_distribution`: ``mean`` (`expected_dropout`), ``sd``,
        ``lo`` and ``hi``.
        """
        return self._distribution("dropout_distribution", level, x=x, t_x=t_x, T=T)
