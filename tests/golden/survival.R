# Writes tests/golden/survival.csv: lifetimes with many ties as R sees them, to 17 digits.
#
# Run by hand when a case is added, with the folder that SALESOPS_DATA names:
#     Rscript tests/golden/survival.R "$SALESOPS_DATA" > tests/golden/survival.csv
#
# Made with R 4.2.2, survival 3.5-3 and cmprsk 2.2-11 (Debian 12: r-base-core, r-cran-survival,
# r-cran-cmprsk).
# R is not needed to run the tests: they make the same rows (tests/python/test_survival_golden.py).
suppressPackageStartupMessages({
  library(survival)
  library(cmprsk)
})

# ---- data ----

# Lehmer's generator with the factor 16807: whole numbers below 2^46, so every language has the same.
lehmer <- function(state) {
  function(n) {
    state <<- (state * 16807) %% 2147483647
    state %% n
  }
}

# Deals: `end` is 0 open, 1 won, 2 lost. Open ones are seen for `half` longer than a whole number of days.
deals <- function(rows, seed, half) {
  draw <- lehmer(seed)
  made <- lapply(seq_len(rows), function(i) {
    group <- draw(3)
    x <- draw(5)
    size <- draw(100) / 10
    layer <- draw(2)
    won <- 1 + draw(12 + 5 * group + 2 * x)
    lost <- 1 + draw(36 - 6 * group - 3 * x)
    open <- 4 + draw(22) + half
    time <- min(won, lost, open)
    end <- if (time == won) 1 else if (time == lost) 2 else 0
    start <- draw(floor(time))
    weight <- 1 + draw(3)
    data.frame(time, end, group, x, size, layer, start, weight, customer = (i - 1) %/% 3, row = i)
  })
  do.call(rbind, made)
}

mgus2 <- function(folder) {
  d <- read.csv(file.path(folder, "forecast", "mgus2_multistate.csv"))
  data.frame(
    time = ifelse(d$pstat == 1, d$ptime, d$futime),
    end = ifelse(d$pstat == 1, 1, 2 * d$death),
    group = d$sex,
    x = as.numeric(d$sex == "M"),
    size = d$age,
    row = seq_len(nrow(d))
  )
}

say <- function(data, model, options, quantity, arg, value) {
  cat(sprintf("%s,%s,%s,%s,%s,%s\n", data, model, options, quantity, arg, sprintf("%.17g", value)), sep = "")
}

sets <- list(
  tied = deals(240, 7, 0),
  apart = deals(240, 7, 0.5),
  mgus2 = mgus2(commandArgs(trailingOnly = TRUE)[1])
)
tied <- sets$tied
few <- head(tied, 40) # R lists all ways to choose the dead where rows enter late and ties are exact
tight <- coxph.control(eps = 1e-14, iter.max = 50, toler.chol = 1e-15, toler.inf = 1e-12)
quietly <- suppressWarnings # R warns that it can't come closer than 1e-14
cat("data,model,options,quantity,arg,value\n")

for (name in names(sets)) {
  d <- sets[[name]]
  say(name, "data", "", "sum", "time", sum(d$time * (1 + d$end)))
}

# ---- curves ----

days <- c(1, 3, 7, 12, 16)

curve <- function(options, d, response, weights) {
  km <- survfit(response ~ 1, d, weights = weights, robust = FALSE)
  at <- summary(km, times = days)
  say("tied", "kaplan_meier", options, "survival", days, at$surv)
  say("tied", "kaplan_meier", options, "std_error", days, at$std.err)
  steps <- findInterval(days, km$time)
  say("tied", "nelson_aalen", options, "cumulative_hazard", days, km$cumhaz[steps])
  say("tied", "nelson_aalen", options, "std_error", days, km$std.chaz[steps])
}
in_turn <- function(options, d, response) {
  found <- survfit(response ~ 1, d, ctype = 2)
  steps <- findInterval(days, found$time)
  say("tied", "fleming_harrington", options, "cumulative_hazard", days, found$cumhaz[steps])
  say("tied", "fleming_harrington", options, "std_error", days, found$std.chaz[steps])
}
one <- rep(1, nrow(tied))
curve("", tied, with(tied, Surv(time, end == 1)), one)
curve("entry", tied, with(tied, Surv(start, time, end == 1)), one)
curve("weights", tied, with(tied, Surv(time, end == 1)), tied$weight)
curve("entry weights", tied, with(tied, Surv(start, time, end == 1)), tied$weight)
repeated <- tied[rep(tied$row, tied$weight), ]
in_turn("", tied, with(tied, Surv(time, end == 1)))
in_turn("weights", repeated, with(repeated, Surv(time, end == 1)))
in_turn("entry weights", repeated, with(repeated, Surv(start, time, end == 1)))

# ---- Cox ----

cox <- function(name, options) {
  d <- list(tied = tied, few = few)[[name]]
  has <- function(word) word %in% strsplit(options, " ")[[1]]
  ties <- strsplit(options, " ")[[1]][1]
  left <- if (has("entry")) "Surv(start, time, end == 1)" else "Surv(time, end == 1)"
  right <- paste("x + size + I(group == 1)", if (has("strata")) "+ strata(layer)" else "")
  arguments <- list(as.formula(paste(left, "~", right)), data = d, ties = ties, control = tight)
  if (has("weights")) arguments$weights <- d$weight
  if (has("robust")) arguments$robust <- TRUE
  if (has("cluster")) arguments$cluster <- d$customer
  if (has("robust")) arguments$cluster <- d$row
  model <- quietly(do.call(coxph, arguments))
  columns <- c("x", "size", "g1")
  tell <- function(quantity, arg, value) say(name, "cox", options, quantity, arg, value)
  tell("coef", columns, unname(coef(model)))
  tell("std_error", columns, sqrt(diag(model$var)))
  tell("log_likelihood_null", "", model$loglik[1])
  tell("log_likelihood", "", model$loglik[2])
  tell("wald", "", as.numeric(model$wald.test))
  tell("score", "", as.numeric(model$score))
  tell("concordance", "", unname(model$concordance["concordance"]))
  if (!has("cluster")) tell("concordance_std_error", "", unname(model$concordance["std"]))
  if (name == "few") {
    return(invisible()) # R has no baseline there
  }
  base <- basehaz(model, centered = FALSE)
  if (is.null(base$strata)) base$strata <- "all"
  for (s in unique(base$strata)) {
    own <- base[base$strata == s, ]
    tell("baseline", paste(sub(".*=", "", s), days, sep = ";"), own$hazard[findInterval(days, own$time)])
  }
  if (ties != "exact" && !has("strata")) {
    rows <- data.frame(x = c(0, 3), size = c(2, 9), group = c(0, 1))
    for (since in c(0, 4.5)) { # R counts events at start.time itself as after it
      from <- survfit(model, newdata = rows, start.time = since, conf.type = "log-log")
      found <- summary(from, times = since + c(3, 8))
      for (part in c("surv", "lower", "upper")) {
        arg <- paste(rep(c(0, 3), each = 2), rep(c(2, 9), each = 2), rep(0:1, each = 2), since, c(3, 8), sep = ";")
        tell(paste("ahead", part), arg, c(found[[part]]))
      }
    }
  }
  if (ties == "exact" || has("robust") || has("cluster")) {
    return(invisible())
  }
  for (scale in c("km", "rank", "identity", "log")) {
    found <- cox.zph(model, transform = scale, terms = FALSE)$table[, "chisq"]
    tell(paste("zph", scale), c(columns, "all"), unname(found))
  }
}
for (ties in c("efron", "breslow", "exact")) {
  mores <- c("", "strata", "robust", "cluster", "entry", "weights", "strata entry")
  mores <- c(mores, "strata entry weights cluster")
  if (ties == "exact") mores <- c("", "strata")
  for (more in mores) cox("tied", trimws(paste(ties, more)))
}

for (more in c("entry", "strata entry")) cox("few", paste("exact", more))

# ---- laws ----

# Between two looks, four days apart: two of three ends; the third is seen.
looks <- within(tied, {
  seen <- end == 1 & row %% 3 == 0
  before <- 4 * floor((time - 1) / 4)
  low <- ifelse(end == 1 & !seen, ifelse(before > 0, before, NA), time) # no look before: R has NA for 0
  high <- ifelse(end == 1, ifelse(seen, time, before + 4), NA)
})
exact <- within(tied, {
  low <- time
  high <- ifelse(end == 1, time, NA)
})
# A published table of eight looks, 30 days apart.
published <- data.frame(
  low = 30 * 0:7 + 0.1, high = c(30 * 1:7, NA), weight = c(15, 17, 19, 26, 19, 43, 20, 15356)
)
law <- function(name, d, form, options, columns) {
  has <- function(word) word %in% strsplit(options, " ")[[1]]
  arguments <- list(form, data = d, dist = strsplit(options, " ")[[1]][1])
  arguments$control <- survreg.control(rel.tolerance = 1e-14, maxiter = 200)
  if (has("weights")) arguments$weights <- d$weight
  model <- quietly(do.call(survreg, arguments))
  columns <- c("intercept", columns)
  if (nrow(model$var) > length(columns)) columns <- c(columns, "ln_sigma")
  tell <- function(quantity, arg, value) say(name, "aft", options, quantity, arg, value)
  tell("coef", columns, c(coef(model), log(model$scale))[seq_along(columns)])
  tell("std_error", columns, sqrt(diag(model$var)))
  tell("log_likelihood", "", model$loglik[2])
}
for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
  for (more in c("", "looks", "weights", "looks weights")) {
    form <- Surv(low, high, type = "interval2") ~ x + size
    law("tied", if (grepl("looks", more)) looks else exact, form, trimws(paste(dist, more)), c("x", "size"))
  }
  law("published", published, Surv(low, high, type = "interval2") ~ 1, paste(dist, "weights"), NULL)
}

# ---- log-rank ----

for (options in c("", "rho", "strata", "rho strata")) {
  has <- function(word) word %in% strsplit(options, " ")[[1]]
  form <- Surv(time, end == 1) ~ group
  if (has("strata")) form <- Surv(time, end == 1) ~ group + strata(layer)
  test <- survdiff(form, tied, rho = if (has("rho")) 1 else 0)
  say("tied", "log_rank", options, "statistic", "", test$chisq)
  if (has("rho")) next # R weighs the counts, too
  say("tied", "log_rank", options, "observed", 0:2, rowSums(as.matrix(test$obs)))
  say("tied", "log_rank", options, "expected", 0:2, rowSums(as.matrix(test$exp)))
}

# ---- competing ends ----

# Shares by cmprsk, with its variance by Aalen (1978), and standard errors by survfit (the delta method).
for (name in c("tied", "mgus2")) {
  d <- sets[[name]]
  at <- if (name == "mgus2") c(12, 60, 120, 240) else days[days < 16]
  shares <- cuminc(d$time, d$end, d$group)
  read <- timepoints(shares[names(shares) != "Tests"], at)
  for (curve in rownames(read$est)) {
    arg <- paste(sub(" ", ";", curve), at, sep = ";")
    say(name, "cuminc", "", "incidence", arg, read$est[curve, ])
    say(name, "cuminc", "", "variance_aalen", arg, read$var[curve, ])
  }
  for (group in unique(d$group)) {
    own <- d[d$group == group, ]
    fit <- survfit(Surv(time, factor(end, 0:2)) ~ 1, own)
    found <- summary(fit, times = at)
    for (cause in 1:2) {
      arg <- paste(group, cause, at, sep = ";")
      say(name, "cuminc", "", "std_error", arg, found$std.err[, which(fit$states == cause)])
    }
  }
}

# What Gray's test compares: events of each group beyond those expected.
excess <- function(d, cause) {
  d <- d[order(d$time), ]
  codes <- as.integer(factor(d$group))
  k <- max(codes)
  outcome <- as.integer(ifelse(d$end == 0, 0, ifelse(d$end == cause, 1, 2)))
  pairs <- k * (k - 1) / 2
  .Fortran("crstm", as.double(d$time), outcome, codes, rep(1L, nrow(d)), nrow(d), 0, 1L, k, double(k - 1),
    matrix(0, k - 1, k - 1), as.double(d$time), outcome, codes, double(pairs), double(k - 1), double(pairs),
    double((4 + 3 * k) * k), integer(4 * k),
    PACKAGE = "cmprsk"
  )[[9]]
}
# Few rows and many ties: cmprsk's factors for ties fall below 0 at the last times.
few_times <- list(
  weeks = within(deals(60, 7, 0), time <- ceiling(time / 5)),
  ends = data.frame(
    time = c(1, 3, 3, 3, 4, 6, 6, 6), end = c(0, 0, 0, 0, 2, 1, 1, 1), group = c(0, 0, 1, 1, 1, 1, 1, 0)
  )
)
compared <- c(sets, few_times)
for (name in names(compared)) {
  for (cause in 1:2) {
    found <- excess(compared[[name]], cause)
    say(name, "gray", cause, "excess", levels(factor(compared[[name]]$group))[seq_along(found)], found)
    test <- with(compared[[name]], cuminc(time, end, group))$Tests[as.character(cause), ]
    say(name, "gray", cause, "statistic", "", test["stat"])
    say(name, "gray", cause, "degrees", "", test["df"])
    say(name, "gray", cause, "p_value", "", pchisq(test["stat"], test["df"], lower.tail = FALSE))
  }
}
for (cause in 1:2) {
  others <- with(sets$tied, list(
    "rho" = cuminc(time, end, group, rho = 1),
    "strata" = cuminc(time, end, group, strata = layer),
    "rho strata" = cuminc(time, end, group, strata = layer, rho = 1)
  ))
  for (options in names(others)) {
    test <- others[[options]]$Tests[as.character(cause), ]
    say("tied", "gray", paste(cause, options), "statistic", "", test["stat"])
  }
}

# Fine and Gray by survival: finegray and coxph with the sandwich over rows. Weights are repeated rows, as
# finegray leaves its own weights out of the curve of the censorings.
fine_gray <- function(name, options, cause) {
  has <- function(word) word %in% strsplit(options, " ")[[1]]
  d <- sets[[name]]
  if (has("weights")) d <- d[rep(d$row, d$weight), ]
  d$outcome <- factor(d$end, 0:2)
  d$each <- seq_len(nrow(d))
  long <- if (has("entry")) {
    finegray(Surv(start, time, outcome) ~ ., data = d, etype = as.character(cause), id = each)
  } else {
    finegray(Surv(time, outcome) ~ ., data = d, etype = as.character(cause))
  }
  model <- quietly(coxph(Surv(fgstart, fgstop, fgstatus) ~ x + size,
    data = long, weights = fgwt, cluster = each, ties = "breslow", control = tight
  ))
  case <- trimws(paste(cause, options))
  tell <- function(quantity, arg, value) say(name, "fine_gray", case, quantity, arg, value)
  tell("coef", c("x", "size"), unname(coef(model)))
  tell("std_error", c("x", "size"), sqrt(diag(model$var)))
  tell("log_likelihood_null", "", model$loglik[1])
  tell("log_likelihood", "", model$loglik[2])
  tell("wald", "", as.numeric(model$wald.test))
  at <- if (name == "mgus2") c(12, 60, 120, 240) else days
  for (size in c(2, 60)) {
    row <- data.frame(x = 1, size)
    left <- summary(survfit(model, newdata = row), times = at)$surv
    tell("incidence", paste(1, size, at, sep = ";"), 1 - c(left))
  }
}
for (name in names(sets)) for (cause in 1:2) fine_gray(name, "", cause)
for (options in c("weights", "entry", "entry weights")) for (cause in 1:2) fine_gray("tied", options, cause)
for (cause in 1:2) fine_gray("apart", "entry", cause)

# Fine and Gray by cmprsk, where no row is censored at the time of an event: elsewhere it takes the rows that
# end then for at risk of being censored, finegray does not.
for (cause in 1:2) {
  d <- sets$apart
  model <- crr(d$time, d$end, as.matrix(d[c("x", "size")]), failcode = cause, gtol = 1e-12, maxiter = 100)
  tell <- function(quantity, arg, value) say("apart", "crr", cause, quantity, arg, value)
  tell("coef", c("x", "size"), unname(model$coef))
  tell("std_error_crr", c("x", "size"), sqrt(diag(model$var)))
  tell("log_likelihood_null", "", model$loglik.null)
  tell("log_likelihood", "", model$loglik)
  share <- predict(model, c(1, 2))
  tell("incidence", paste(1, 2, days, sep = ";"), share[findInterval(days, share[, 1]), 2])
}
