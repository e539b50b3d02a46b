//! One item of one park: the number its value stands for, and the points its rule gives for it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Basis, Entrant, Leaf, Trace, kept, rounded};
use crate::assessment_scheme::formula::Formula;
use crate::assessment_scheme::{Item, ItemKind, NoCase, Part, Rule, Scheme, Step, Value};

/// Marks from which on the highest and the lowest one do not count.
pub const DROP_EXTREMES_FROM: usize = 5;

/// An item with what is the same for all parks.
pub struct Plan<'a> {
    item: &'a Item,
    /// The read expression of a formula; none when it is malformed.
    formula: Option<Formula>,
    /// The best number of the cohort, for `peerBest`.
    best: Option<Decimal>,
}

/// What a value stands for.
enum Measure {
    Number(Decimal),
    NoPrevious,
    NoCase,
    Unfit,
}

/// Whether a veto item says yes for this park.
pub fn is_vetoed(scheme: &Scheme, entrant: &Entrant) -> bool {
    scheme.items().filter(|item| item.rule.part() == Part::Veto).any(|item| {
        entrant.adopted.get(&item.code).is_some_and(|adopted| adopted.value == Value::Boolean(true))
    })
}

/// All items, in the order of the scheme.
pub fn plan<'a>(scheme: &'a Scheme, cohort: &[Entrant], vetoed: &[bool]) -> Vec<Plan<'a>> {
    let one = |item: &'a Item| {
        let formula = if let Rule::Formula { expression, inputs } = &item.rule {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            Formula::parse(expression, &names).ok()
        } else {
            None
        };
        let mut plan = Plan { item, formula, best: None };
        if matches!(item.rule, Rule::PeerBest { .. }) {
            let ranked =
                cohort.iter().zip(vetoed).filter(|(_, vetoed)| !**vetoed).map(|(entrant, _)| entrant);
            plan.best = ranked.filter_map(|entrant| plan.number(entrant)).max();
        }
        plan
    };
    scheme.items().map(one).collect()
}

impl Plan<'_> {
    /// The item's points for one park.
    pub fn leaf(&self, entrant: &Entrant) -> Leaf {
        let trace = if self.item.rule.is_marked() {
            self.marked(entrant.marks.get(&self.item.code).map_or(&[], Vec::as_slice))
        } else {
            self.valued(entrant)
        };
        let points = rounded(trace.unrounded.unwrap_or_default());
        let trace = Trace { unrounded: trace.unrounded.map(kept), ..trace };
        Leaf { code: self.item.code.clone(), points, trace }
    }

    fn number(&self, entrant: &Entrant) -> Option<Decimal> {
        match self.measure(&entrant.adopted.get(&self.item.code)?.value) {
            Measure::Number(number) => Some(number),
            Measure::NoPrevious | Measure::NoCase | Measure::Unfit => None,
        }
    }

    /// From the adopted value.
    fn valued(&self, entrant: &Entrant) -> Trace {
        let Some(adopted) = entrant.adopted.get(&self.item.code) else {
            return Trace::of(Basis::NotFiled);
        };
        let max = self.item.max_score;
        let trace = match self.measure(&adopted.value) {
            Measure::Number(number) => match self.points(number) {
                Some(points) => Trace {
                    measured: Some(kept(number)),
                    best: self.best.map(kept),
                    unrounded: Some(points.clamp(Decimal::ZERO, max)),
                    ..Trace::of(Basis::Rule)
                },
                None => Trace { measured: Some(kept(number)), ..Trace::of(Basis::Uncomputable) },
            },
            Measure::NoPrevious => {
                Trace { unrounded: Some(self.item.rule.missing()), ..Trace::of(Basis::NoPrevious) }
            }
            Measure::NoCase => match self.item.rule.no_case() {
                Some(NoCase::FullMarks) => Trace { unrounded: Some(max), ..Trace::of(Basis::NoCase) },
                Some(NoCase::Zero) => Trace { unrounded: Some(Decimal::ZERO), ..Trace::of(Basis::NoCase) },
                Some(NoCase::Exclude) => Trace::of(Basis::Excluded),
                None => Trace::of(Basis::Uncomputable),
            },
            Measure::Unfit => Trace::of(Basis::Uncomputable),
        };
        Trace { input: Some(adopted.value.clone()), verified: adopted.verified, ..trace }
    }

    /// From the marks of staff.
    fn marked(&self, marks: &[Decimal]) -> Trace {
        let (mut marks, needed) = if let Rule::ExpertMean { min_scores } = &self.item.rule {
            (marks.to_vec(), usize::try_from(*min_scores).unwrap_or(usize::MAX).max(1))
        } else {
            (marks.last().copied().into_iter().collect(), 1)
        };
        marks.sort_unstable();
        let mean = if marks.len() < needed { None } else { mean_without_extremes(&marks) };
        match mean {
            None => Trace { marks, ..Trace::of(Basis::Incomplete) },
            Some(mean) => Trace {
                marks,
                measured: Some(kept(mean)),
                unrounded: Some(mean.clamp(Decimal::ZERO, self.item.max_score)),
                ..Trace::of(Basis::Rule)
            },
        }
    }

    fn measure(&self, value: &Value) -> Measure {
        let number = |number: Option<Decimal>| number.map_or(Measure::Unfit, Measure::Number);
        match (self.item.kind, value) {
            (ItemKind::Number | ItemKind::Money, Value::Plain(plain)) => {
                number(Decimal::from_str_exact(plain).ok())
            }
            (ItemKind::Ratio, Value::Ratio(ratio)) if ratio.denominator.is_zero() => Measure::NoCase,
            (ItemKind::Ratio, Value::Ratio(ratio)) => number(ratio.percentage()),
            (ItemKind::Growth, Value::Growth(growth)) if growth.previous.is_none() => Measure::NoPrevious,
            (ItemKind::Growth, Value::Growth(growth)) => number(growth.percentage()),
            (ItemKind::Choice, Value::Plain(choice)) => number(self.of_choices(std::slice::from_ref(choice))),
            (ItemKind::MultiChoice, Value::List(choices)) => number(self.of_choices(choices)),
            (ItemKind::Inputs, Value::Inputs(inputs)) => {
                number(self.formula.as_ref().and_then(|formula| formula.evaluate(inputs).ok()))
            }
            (ItemKind::Boolean, Value::Boolean(yes)) => Measure::Number(Decimal::from(u8::from(*yes))),
            (_, _) => Measure::Unfit,
        }
    }

    /// The points of the choices where the rule names some, else how many there are.
    fn of_choices(&self, choices: &[String]) -> Option<Decimal> {
        match option_points(&self.item.rule) {
            Some(points) => {
                choices.iter().try_fold(Decimal::ZERO, |sum, choice| sum.checked_add(*points.get(choice)?))
            }
            None => Some(Decimal::from(choices.len())),
        }
    }

    /// What the rule gives for a number, before the limits of the item; none when it gives nothing that can be written.
    fn points(&self, number: Decimal) -> Option<Decimal> {
        let max = self.item.max_score;
        match &self.item.rule {
            Rule::Linear { target, .. } => share(number, *target, max),
            Rule::Range { floor, cap, .. } => {
                share(number.checked_sub(*floor)?, cap.checked_sub(*floor)?, max)
            }
            Rule::Tier { steps, .. } | Rule::CountTier { steps } => Some(step_score(steps, number)),
            Rule::PeerBest { .. } => match self.best {
                Some(best) if best > Decimal::ZERO => share(number, best, max),
                Some(_) | None => Some(Decimal::ZERO),
            },
            Rule::Formula { .. } | Rule::ChoicePoints { .. } => Some(number),
            Rule::CountPoints { each, cap } => Some(times(number, *each, *cap)),
            Rule::Bonus { each, .. } | Rule::Deduct { each, .. } => match each {
                Some(each) => Some(times(number, *each, max)),
                None => Some(number),
            },
            Rule::Veto {} => Some(Decimal::ZERO),
            Rule::ExpertMean { .. } | Rule::Manual {} => None,
        }
    }
}

impl Trace {
    fn of(basis: Basis) -> Self {
        Self {
            basis,
            input: None,
            verified: false,
            marks: Vec::new(),
            measured: None,
            best: None,
            unrounded: None,
        }
    }
}

/// The points per option, where the rule names them.
pub fn option_points(rule: &Rule) -> Option<&BTreeMap<String, Decimal>> {
    if let Rule::ChoicePoints { points }
    | Rule::Bonus { each: None, points }
    | Rule::Deduct { each: None, points } = rule
    {
        Some(points)
    } else {
        None
    }
}

/// `max × part ÷ whole`, from 0 to `max`.
fn share(part: Decimal, whole: Decimal, max: Decimal) -> Option<Decimal> {
    if part >= whole {
        return Some(max);
    }
    if part <= Decimal::ZERO {
        return Some(Decimal::ZERO);
    }
    max.checked_mul(part)?.checked_div(whole)
}

/// `count × each`, at most `cap`, also where the product could not be written.
fn times(count: Decimal, each: Decimal, cap: Decimal) -> Decimal {
    count.checked_mul(each).map_or(cap, |points| points.min(cap))
}

/// The score of the last step that is reached; steps ascend.
fn step_score(steps: &[Step], number: Decimal) -> Decimal {
    step(steps, number).map_or(Decimal::ZERO, |step| step.score)
}

/// The last step that is reached.
pub fn step(steps: &[Step], number: Decimal) -> Option<&Step> {
    steps.iter().take_while(|step| step.min <= number).last()
}

/// The mean of ascending marks, of five and more without the first and the last.
fn mean_without_extremes(marks: &[Decimal]) -> Option<Decimal> {
    let counted = counted(marks);
    let sum = counted.iter().try_fold(Decimal::ZERO, |sum, mark| sum.checked_add(*mark))?;
    sum.checked_div(Decimal::from(counted.len()))
}

/// Of ascending marks those that count.
pub fn counted(marks: &[Decimal]) -> &[Decimal] {
    if marks.len() >= DROP_EXTREMES_FROM { &marks[1..marks.len() - 1] } else { marks }
}
