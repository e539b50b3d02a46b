//! What makes one item wrong.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::super::value::NUMBER_MAX;
use super::super::{Item, ItemKind, Part, Rule, Source};
use super::{Checks, NAME_CHARS, clean_line};
use crate::text;

/// Choices of an item.
const OPTIONS_MAX: usize = 100;
/// Characters of a choice as filed.
const OPTION_CHARS: RangeInclusive<usize> = 1..=32;
/// Characters of a unit.
const UNIT_CHARS: RangeInclusive<usize> = 1..=16;
/// Characters of the notes for whoever fills it in.
const HELP_CHARS: RangeInclusive<usize> = 1..=2_000;
/// Places of a bound or a threshold.
pub const THRESHOLD_PLACES: u32 = 4;

impl Item {
    pub(super) fn check(&self, at: &str, checks: &mut Checks) {
        checks.text(&format!("{at}/name"), &self.name, NAME_CHARS);
        if let Some(unit) = &self.unit {
            checks.text(&format!("{at}/unit"), unit, UNIT_CHARS);
        }
        if let Some(help) = &self.help {
            checks.errors.extend(text::lines(&format!("{at}/help"), help, HELP_CHARS).err());
        }
        self.check_max_score(&format!("{at}/maxScore"), checks);
        if self.source == Source::Expert && !self.rule.is_marked() {
            let detail = "由专家评审的指标，计分规则应为 expertMean 或 manual";
            checks.add(&format!("{at}/source"), "item.source", detail);
        }
        if let Some(bound) = self.upper_bound {
            let least = Decimal::new(1, THRESHOLD_PLACES);
            checks.number(&format!("{at}/upperBound"), bound, least, NUMBER_MAX, THRESHOLD_PLACES);
            if !self.has_numbers() {
                let detail = format!("“{}”类型的指标没有数值上限", self.kind.label());
                checks.add(&format!("{at}/upperBound"), "item.upper_bound", detail);
            }
        }
        self.check_options(&format!("{at}/options"), checks);
        self.check_rule(&format!("{at}/rule"), checks);
    }

    fn has_numbers(&self) -> bool {
        match self.kind {
            ItemKind::Number | ItemKind::Money | ItemKind::Ratio | ItemKind::Growth | ItemKind::Inputs => {
                true
            }
            ItemKind::Choice
            | ItemKind::MultiChoice
            | ItemKind::Boolean
            | ItemKind::Text
            | ItemKind::Attachment => false,
        }
    }

    /// Whether it has options.
    pub(super) fn has_choices(&self) -> bool {
        matches!(self.kind, ItemKind::Choice | ItemKind::MultiChoice)
    }

    fn check_max_score(&self, at: &str, checks: &mut Checks) {
        match self.rule.part() {
            Part::Base | Part::Bonus | Part::Deduction => {
                checks.points(at, self.max_score, Decimal::new(1, 2), Decimal::ONE_HUNDRED);
            }
            Part::Veto if !self.max_score.is_zero() => {
                checks.add(at, "item.veto_score", "一票否决的指标，分值应为 0");
            }
            Part::Veto => {}
        }
    }

    fn check_options(&self, at: &str, checks: &mut Checks) {
        if !self.has_choices() {
            if !self.options.is_empty() {
                let detail = format!("“{}”类型的指标没有选项", self.kind.label());
                checks.add(at, "options.unexpected", detail);
            }
            return;
        }
        checks.size(at, self.options.len(), 1..=OPTIONS_MAX, "选项");
        let mut known = BTreeSet::new();
        for (index, option) in self.options.iter().enumerate() {
            let pointer = format!("{at}/{index}/value");
            checks.text(&pointer, &option.value, OPTION_CHARS);
            if !known.insert(&option.value) {
                checks.add(&pointer, "options.duplicate", format!("选项 {} 重复", option.value));
            }
            checks.text(&format!("{at}/{index}/label"), &option.label, NAME_CHARS);
        }
    }

    pub(super) fn clean(&mut self) {
        clean_line(&mut self.name);
        self.unit.iter_mut().for_each(clean_line);
        if let Some(help) = &mut self.help
            && let Ok(clean) = text::lines("", help, 0..=usize::MAX)
        {
            *help = clean;
        }
        for option in &mut self.options {
            clean_line(&mut option.value);
            clean_line(&mut option.label);
        }
        if let Rule::Formula { inputs, .. } = &mut self.rule {
            for input in inputs {
                clean_line(&mut input.label);
                input.unit.iter_mut().for_each(clean_line);
            }
        }
    }
}
