"""What the models share: parameters, what a fit leaves behind, printing, JSON."""

from __future__ import annotations

import copy
import html
import json
import math
import numbers
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from salesops._arguments import checked
from salesops._core.error import DataError, UsageError
from salesops._names import NoAnswerError
from salesops._progress import ConvergenceWarning, warn
from salesops.clv import _data
from salesops.clv._units import unit_of
from salesops.plot.base import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops._progress import Wanted
    from salesops.clv._posterior import Posterior

FORMAT = "salesops.clv"
VERSION = 1
_MODELS: dict[str, type[Estimator]] = {}

Priors = Mapping[str, tuple[float, float]] | None


@dataclass
class Seen:
    """The rows that a fit saw: columns of one length, and the customers that each row stands for."""

    columns: tuple[npt.NDArray[np.float64], ...]
    weights: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.weights):
            _data.equal_lengths({"weights": self.weights, "the rows": self.columns[0]})

    def again(self, random: np.random.Generator) -> Seen:
        """As many customers, drawn from these with replacement."""
        import numpy as np

        rows = len(self.columns[0])
        weights = self.weights if len(self.weights) else np.ones(rows)
        total = float(weights.sum())
        drawn = random.multinomial(max(1, round(total)), weights / total)
        kept = drawn > 0
        columns = tuple(column[kept] if len(column) else column for column in self.columns)
        return Seen(columns, drawn[kept].astype(np.float64))


class Fitted:
    """What a fit leaves behind.

    After `fit`, each parameter stands under its name with an underscore (``r_``), all together in
    ``params_``, with ``standard_errors_``, ``covariance_``, ``correlation_``, ``log_likelihood_``, ``aic_``,
    ``bic_``, ``n_``, ``converged_``, ``notes_`` and ``unit_``. Coefficients of covariates stand in
    ``coefficients_``; errors and covariance hold them after the parameters. What the data leave open has
    no standard error and NaN in ``covariance_``; ``identified_covariance_`` is over all else, without gaps,
    and what intervals of forecasts are drawn from. Models of purchases keep the largest T that they saw in
    ``longest_T_``: a frame that is asked about later, and can't tell its unit, is held against it.
    """

    _seen: Any
    params_: dict[str, float]
    coefficients_: dict[str, float]
    standard_errors_: dict[str, float]
    covariance_: npt.NDArray[np.float64]
    identified_covariance_: npt.NDArray[np.float64]
    log_likelihood_: float
    aic_: float
    bic_: float
    n_: float
    converged_: bool
    notes_: list[str]
    unit_: str | None


@dataclass(eq=False, repr=False, kw_only=True)
class Estimator(Fitted):
    """Parameters, how to fit them, and what a fit left behind."""

    parameters: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ("priors", "l2", "strict", "threads")
    #: Those that may be of either sign; the others are above 0.
    _signed: ClassVar[tuple[str, ...]] = ()
    _core_model: ClassVar[Any] = None
    #: Whether times count opportunities.
    _opportunities: ClassVar[bool] = False

    priors: Priors = None
    l2: float = 0.0
    strict: bool = False
    threads: int = 0

    def __init_subclass__(cls) -> None:
        _MODELS[cls.__name__] = cls

    def __post_init__(self) -> None:
        self._check_given()

    def _check_given(self) -> None:
        """Refuse what no model of this kind can have."""
        for name in self.parameters:
            value = getattr(self, name)
            if value is None:
                continue
            number = isinstance(value, numbers.Real) and math.isfinite(value)
            if not number or not (value > 0 or name in self._signed):
                kind = "a finite number" if name in self._signed else "a finite number above 0"
                raise UsageError(f"{type(self).__name__}: {name} must be {kind}, not {value!r}")

    def __getstate__(self) -> dict[str, Any]:
        """Leave the rows behind that the fit saw."""
        return {name: value for name, value in vars(self).items() if name != "_seen"}

    # ---- scikit-learn's habits ----

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the constructor's parameters."""
        return {name: getattr(self, name) for name in (*self.parameters, *self.settings)}

    def set_params(self, **parameters: Any) -> Self:
        """Set constructor parameters by name."""
        known = (*self.parameters, *self.settings)
        for name, value in parameters.items():
            if name not in known:
                raise UsageError(f"no parameter {name!r}; there are {', '.join(known)}")
            setattr(self, name, value)
        self._check_given()
        return self

    def clone(self) -> Self:
        """Make an unfitted model with the same constructor's parameters."""
        return type(self)(**self.get_params())

    def __sklearn_clone__(self) -> Self:
        return self.clone()

    def __sklearn_tags__(self) -> Any:
        import importlib

        utils = importlib.import_module("sklearn.utils")
        return utils.Tags(estimator_type=None, target_tags=utils.TargetTags(required=False))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "params_")

    # ---- the model in force ----

    def _given(self) -> list[float]:
        """Parameters of the constructor; empty when there are none."""
        values = [getattr(self, name) for name in self.parameters]
        if all(value is None for value in values):
            return []
        missing = [name for name, value in zip(self.parameters, values, strict=True) if value is None]
        if missing:
            raise UsageError(
                f"{type(self).__name__} needs all of its parameters or none: {missing[0]} is missing"
            )
        return [float(value) for value in values]

    def _values(self) -> list[float]:
        if hasattr(self, "params_"):
            return list(self.params_.values())
        values = self._given()
        if not values:
            raise NoAnswerError(
                f"{type(self).__name__} has no parameters yet: call fit, or pass {', '.join(self.parameters)}"
            )
        return values

    def _core(self) -> Any:
        return self._core_model(self._values())

    def _ask(self, question: str, **columns: Any) -> Any:
        """One question to the core, for numbers and columns that go together."""
        return _data.ask(self._core(), question, self.threads, columns, None, self._opportunities)

    def _distribution(self, question: str, level: float, **columns: Any) -> dict[str, Any]:
        """The same for a distribution: mean, sd and the ends of the middle `level` percent."""
        found: dict[str, Any] = _data.ask(
            self._core(), question, self.threads, columns, level, self._opportunities
        )
        return found

    # ---- fits ----

    def _solve(self, seen: Any, options: tuple[Any, ...]) -> tuple[Any, Any]:
        """What the core finds in the rows: a summary and a model."""
        raise NotImplementedError

    def _fit_seen(self, seen: Any, unit: str | None, warm_start: bool) -> Self:
        """Fit what was read, and remember it for intervals that look again."""
        warm = warm_start and hasattr(self, "params_")
        summary, core = self._solve(
            seen, self._fit_options(list(self.params_.values()) if warm else self._given())
        )
        self._seen = seen
        self._take_core(core)
        return self._take(summary, unit)

    def _take_core(self, core: Any) -> None:
        pass

    def _fit_options(
        self,
        start: list[float],
        profile_level: float = 0,
        sampling: tuple[int, int, int, float, int] | None = None,
        progress: Any = None,
    ) -> tuple[Any, ...]:
        priors: list[tuple[float, float]] = []
        own = [name for name in self.parameters if name not in self._signed]
        if self.priors is not None:
            unknown = set(self.priors) - set(own)
            if unknown:
                raise UsageError(f"priors: no parameter {sorted(unknown)[0]!r}; there are {', '.join(own)}")
            priors = [self.priors.get(name, (1.0, math.inf)) for name in own]
        searched = (start[: len(own)], priors, float(self.l2), 1e-12, 200)
        return (*searched, profile_level, sampling, self.threads, progress)

    def _take(self, summary: Any, unit: str | None) -> Self:
        """Keep what a fit found; warn, or raise when `strict`, if it did not converge."""
        import numpy as np

        count = len(summary.parameters)
        found = dict(zip(summary.parameters, summary.estimates, strict=True))
        self.params_ = {name: found[name] for name in self.parameters}
        self.coefficients_ = {name: value for name, value in found.items() if name not in self.parameters}
        for name, value in self.params_.items():
            setattr(self, f"{name}_", value)
        self.standard_errors_ = dict(zip(summary.parameters, summary.standard_errors, strict=True))
        self.covariance_ = np.array(summary.covariance).reshape(count, count)
        self.identified_covariance_ = np.array(summary.identified_covariance).reshape(count, count)
        self.log_likelihood_, self.aic_, self.bic_ = summary.log_likelihood, summary.aic, summary.bic
        self.n_, self.n_distinct_, self.n_iter_ = summary.n, summary.distinct_rows, summary.iterations
        self.converged_, self.reason_ = summary.converged, summary.reason
        self.notes_ = list(summary.notes)
        self.unit_ = unit_of(unit)
        if not self.converged_:
            text = f"{type(self).__name__} did not converge: {self.reason_}"
            if self.strict:
                raise ConvergenceWarning(text)
            warn(text, ConvergenceWarning)
        return self

    @property
    def correlation_(self) -> npt.NDArray[np.float64]:
        """Correlations of the estimates, in the order of `standard_errors_`."""
        import numpy as np

        errors = np.array(list(self.standard_errors_.values()))
        correlation: npt.NDArray[np.float64] = self.covariance_ / np.outer(errors, errors)
        return correlation

    @checked
    def confidence_intervals(
        self, method: str = "wald", *, level: float = 95, draws: int = 200, seed: int = 0
    ) -> dict[str, tuple[float, float]]:
        """Range of each parameter and coefficient that holds it with `level` percent confidence.

        Parameters
        ----------
        method
            ``wald``: exp(ln θ ± z·se/θ), of a coefficient γ ± z·se; at once. ``profile``: where the largest
            likelihood with the parameter held there falls by z²/2; right where the likelihood is no
            parabola, and an end is 0 or infinite where it never falls enough. ``bootstrap``: the middle of
            the estimates from `draws` samples of the customers with replacement; holds though the model is
            wrong.
        draws, seed
            Of the bootstrap. Its ends are about as good as a quantile of so many draws.

        Notes
        -----
        Profile and bootstrap look at the rows again, so they need a model that was fitted here, not loaded.
        """
        from salesops.clv import _inference

        return _inference.confidence_intervals(self, method, level, draws, seed)

    @checked
    def posterior(
        self,
        draws: int = 1000,
        *,
        chains: int = 4,
        warmup: int = 500,
        acceptance: float = 0.8,
        seed: int = 1,
        progress: Wanted = None,
    ) -> Posterior:
        """Draw the parameters given data and beliefs, by the no-U-turn sampler.

        Parameters
        ----------
        draws, chains, warmup
            Draws of each chain, chains, and iterations of each chain before its first draw.
        acceptance
            Wanted share of accepted steps; nearer 1 goes into narrow corners, slowly.
        seed
            The same seed gives the same draws, on any number of threads.
        progress
            As everywhere: a bar by default where somebody looks, False for none, or a function.

        Returns
        -------
        Posterior
            Draws, their means, intervals, R-hat and effective numbers; answers questions of customers too.

        Notes
        -----
        Beliefs are `priors` and `l2`. Without them they are weak: each parameter log-normal with median 1
        and log_sd 2, times in units of the mean T and amounts in units of the mean spend. The rows are looked
        at again, so the model must have been fitted here, not loaded.

        Examples
        --------
        >>> import salesops as so
        >>> model = so.clv.SBG().fit([1000, 869, 743, 653, 593, 551, 517, 491])
        >>> drawn = model.posterior(200, chains=2, warmup=100, progress=False)
        >>> low, high = drawn.intervals(level=90)["alpha"]
        >>> low < model.alpha_ < high
        True
        """
        from salesops.clv._posterior import draw

        return draw(self, (chains, warmup, draws, acceptance, seed), progress)

    @property
    def _estimates(self) -> dict[str, float]:
        return self.params_ | self.coefficients_

    def _settled(self) -> dict[str, Any]:
        """Settings that the fit chose, which its draws keep."""
        return {}

    def _with_estimates(self, values: Sequence[float]) -> Self:
        """The same model as if the fit had found these values."""
        model = copy.copy(self)
        found = dict(zip(self._estimates, values, strict=True))
        model.params_ = {name: found[name] for name in self.params_}
        model.coefficients_ = {name: found[name] for name in self.coefficients_}
        for name, value in model.params_.items():
            setattr(model, f"{name}_", value)
        return model

    # ---- printing ----

    @property
    def summary_(self) -> Summary:
        """Estimates with standard errors and intervals, likelihood, notes; prints well."""
        if not hasattr(self, "params_"):
            raise NoAnswerError(f"{type(self).__name__} is not fitted yet: call fit first")
        return Summary(self)

    def _details(self) -> list[str]:
        return []

    def __repr__(self) -> str:
        values = {name: getattr(self, f"{name}_", getattr(self, name)) for name in self.parameters}
        shown = [f"{name}={value:.4g}" for name, value in values.items() if value is not None]
        text = f"{type(self).__name__}({', '.join(self._details() + shown)})"
        if not hasattr(self, "params_"):
            return text
        return f"<{text}: {counted(round(self.n_), 'customer')}, log-likelihood {self.log_likelihood_:,.2f}>"

    def _repr_html_(self) -> str:
        return (
            self.summary_._repr_html_() if hasattr(self, "params_") else f"<p>{html.escape(repr(self))}</p>"
        )

    # ---- JSON ----

    def to_json(self) -> str:
        """Write the model as JSON text; numbers come back to the bit."""
        state: dict[str, Any] = {"format": FORMAT, "version": VERSION, "model": type(self).__name__}
        state["given"] = {name: value for name, value in self.get_params().items() if name != "threads"}
        if hasattr(self, "params_"):
            fitted = {name: value for name, value in vars(self).items() if name.endswith("_")}
            for name in _MATRICES:
                fitted[name] = getattr(self, name).tolist()
            state["fitted"] = fitted
        return json.dumps(_without_nan(state), indent=1)

    @classmethod
    @checked
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        model = from_json(text)
        if not isinstance(model, cls):
            raise UsageError(f"the text holds a {type(model).__name__}, not a {cls.__name__}")
        return model

    @checked
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to a file."""
        try:
            pathlib.Path(path).write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise DataError(f"'{path}' can't be written: {error.strerror}") from error


_MATRICES = ("covariance_", "identified_covariance_")


def _without_nan(value: Any) -> Any:
    """JSON has neither NaN nor infinities: they become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return value


def _with_nan(value: dict[str, Any]) -> Any:
    return (
        float(value["float"])
        if set(value) == {"float"} and value["float"] in ("nan", "inf", "-inf")
        else value
    )


@checked
def from_json(text: str) -> Estimator:
    """Read a model that `to_json` wrote."""
    import numpy as np

    try:
        state = json.loads(text, object_hook=_with_nan)
        if state["format"] != FORMAT:
            raise DataError(f"the text is no model of {FORMAT}")
        if state["version"] > VERSION:
            raise DataError(
                f"the model was saved by a newer release (format {state['version']}); upgrade salesops"
            )
        kind = _MODELS[state["model"]]
        given = dict(state["given"])
        if given.get("priors"):
            given["priors"] = {name: tuple(prior) for name, prior in given["priors"].items()}
        model = kind(**given)
        for name, value in state.get("fitted", {}).items():
            setattr(model, name, np.array(value, dtype=np.float64) if name in _MATRICES else value)
        if hasattr(model, "params_") and not hasattr(model, "identified_covariance_"):  # an older text
            model.identified_covariance_ = np.nan_to_num(model.covariance_)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("the text is no saved model: its JSON is broken or has fields missing") from error
    return model


@checked
def load(path: str | os.PathLike[str]) -> Estimator:
    """Read a model that `save` wrote."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise DataError(f"'{path}' can't be read: {why}") from error
    return from_json(text)


class Summary:
    """What a fit found, as text and HTML."""

    def __init__(self, model: Estimator) -> None:
        self._model = model

    def rows(self, level: float = 95) -> list[tuple[str, float, float, float, float]]:
        """Name, estimate, standard error and interval of each parameter.

        The interval is that of `confidence_intervals`.
        """
        model = self._model
        ends = model.confidence_intervals(level=level)
        return [
            (name, value, model.standard_errors_[name], *ends[name])
            for name, value in model._estimates.items()
        ]

    def _head(self) -> str:
        model = self._model
        unit = f", time in {model.unit_}s" if model.unit_ else ""
        details = "".join(f", {detail}" for detail in model._details())
        return f"{type(model).__name__}{details}: {counted(round(model.n_), 'customer')}{unit}"

    def _foot(self) -> list[str]:
        model = self._model
        end = "converged" if model.converged_ else f"not converged: {model.reason_}"
        criteria = f"AIC {model.aic_:,.2f}, BIC {model.bic_:,.2f}"
        return [
            f"log-likelihood {model.log_likelihood_:,.4f}, {criteria}; {end}",
            *(f"note: {note}" for note in model.notes_),
        ]

    def __repr__(self) -> str:
        rows = self.rows()
        wide = max(8, *(len(name) + 1 for name, *_ in rows))
        head = "".join(f"{word:>12}" for word in ("estimate", "std error", "95 % from", "to"))
        lines = [self._head(), " " * wide + head]
        lines += [f"{name:{wide}}" + "".join(f"{value:12.5g}" for value in rest) for name, *rest in rows]
        return "\n".join(lines + self._foot())

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{html.escape(name)}</td>" + "".join(f"<td>{value:.5g}</td>" for value in rest) + "</tr>"
            for name, *rest in self.rows()
        )
        head = "<tr><th></th><th>estimate</th><th>std error</th><th>95 % from</th><th>to</th></tr>"
        foot = "".join(f"<p>{html.escape(line)}</p>" for line in self._foot())
        return f'<p>{html.escape(self._head())}</p><table class="salesops">{head}{cells}</table>{foot}'
