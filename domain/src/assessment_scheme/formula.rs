//! The expression language of the rule `formula`: a number out of several filed ones.
//!
//! ```text
//! expression = term { ("+" | "−") term }            term      = factor { ("×" | "÷") factor }
//! factor     = ["−"] (number | name | call | "(" expression ")")
//! call       = min(a, b, …) | max(a, b, …) | clamp(value, low, high) | if(condition, then, else)
//! condition  = expression ("<" | "≤" | ">" | "≥" | "=" | "≠") expression
//! ```
//! `- * · / <= >= == !=` and full-width characters are the same signs. Only the branch that `if` takes is worked out.
//!
//! Always: reading never panics and ends after [`CHARS_MAX`] characters and [`DEPTH_MAX`] levels; a result is exact, or
//! cut at the 28th digit where a division does not come out even; what has no result is an [`EvaluationError`].
//! Deliberately not here: loops, variables, anything but numbers.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

mod parser;
#[cfg(test)]
mod tests;

/// Longest expression: about six lines of a printed scheme.
pub const CHARS_MAX: usize = 500;
/// Deepest nesting; nobody reads more.
pub const DEPTH_MAX: usize = 32;

/// A read expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula(Expression);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Number(Decimal),
    Input(String),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Min(Vec<Expression>),
    Max(Vec<Expression>),
    Clamp(Box<[Expression; 3]>),
    If(Comparison, Box<[Expression; 4]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Different,
}

/// Why a text is no expression. Places are counted in characters, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// Nothing is there.
    #[error("公式不能为空")]
    Empty,
    /// Above [`CHARS_MAX`].
    #[error("公式不能超过 {CHARS_MAX} 个字符")]
    TooLong,
    /// Above [`DEPTH_MAX`].
    #[error("公式的括号嵌套不能超过 {DEPTH_MAX} 层")]
    TooDeep,
    /// Something else should stand here.
    #[error("公式第 {place} 个字符“{found}”处有误，应为{expected}")]
    Unexpected {
        /// Where.
        place: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// It stops too early.
    #[error("公式不完整，末尾应为{0}")]
    Incomplete(&'static str),
    /// A number with too many digits or places.
    #[error("公式中的数字“{0}”不正确，整数部分最多 12 位，小数最多 10 位")]
    Number(String),
    /// A name that is neither an input nor a function.
    #[error("公式使用了未定义的输入项“{0}”")]
    UnknownName(String),
    /// A function with too few or too many arguments.
    #[error("函数 {function} 应有{expected}个参数，现有 {given} 个")]
    Arguments {
        /// Which.
        function: &'static str,
        /// How many it takes.
        expected: &'static str,
        /// How many there are.
        given: usize,
    },
}

impl FormulaError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "formula.empty",
            Self::TooLong => "formula.too_long",
            Self::TooDeep => "formula.too_deep",
            Self::Unexpected { .. } | Self::Incomplete(_) => "formula.malformed",
            Self::Number(_) => "formula.number",
            Self::UnknownName(_) => "formula.unknown_input",
            Self::Arguments { .. } => "formula.arguments",
        }
    }
}

/// Why an expression has no result for these inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A divisor is 0.
    #[error("除数为 0")]
    DivisionByZero,
    /// A number above 7.9 × 10²⁸.
    #[error("计算结果过大")]
    Overflow,
    /// `clamp` with its low end above its high end.
    #[error("clamp 的下限大于上限")]
    ClampBounds,
    /// An input is absent.
    #[error("缺少输入项“{0}”")]
    MissingInput(String),
}

impl EvaluationError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DivisionByZero => "formula.division_by_zero",
            Self::Overflow => "formula.overflow",
            Self::ClampBounds => "formula.clamp_bounds",
            Self::MissingInput(_) => "formula.missing_input",
        }
    }
}

impl Formula {
    /// Reads an expression over inputs with these names.
    pub fn parse(expression: &str, names: &[&str]) -> Result<Self, FormulaError> {
        parser::parse(expression, names).map(Self)
    }

    /// The inputs it uses.
    pub fn inputs(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.0.collect_inputs(&mut names);
        names
    }

    /// Its result for `inputs`.
    pub fn evaluate(&self, inputs: &BTreeMap<String, Decimal>) -> Result<Decimal, EvaluationError> {
        self.0.evaluate(inputs)
    }
}

impl Expression {
    fn collect_inputs<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        let parts: &[Self] = match self {
            Self::Number(_) => &[],
            Self::Input(name) => {
                names.insert(name);
                &[]
            }
            Self::Negative(part) => std::slice::from_ref(part),
            Self::Binary(_, left, right) => {
                left.collect_inputs(names);
                std::slice::from_ref(right)
            }
            Self::Min(parts) | Self::Max(parts) => parts,
            Self::Clamp(parts) => parts.as_slice(),
            Self::If(_, parts) => parts.as_slice(),
        };
        for part in parts {
            part.collect_inputs(names);
        }
    }

    fn evaluate(&self, inputs: &BTreeMap<String, Decimal>) -> Result<Decimal, EvaluationError> {
        let all =
            |parts: &[Self]| parts.iter().map(|part| part.evaluate(inputs)).collect::<Result<Vec<_>, _>>();
        match self {
            Self::Number(number) => Ok(*number),
            Self::Input(name) => {
                inputs.get(name).copied().ok_or_else(|| EvaluationError::MissingInput(name.clone()))
            }
            Self::Negative(part) => Ok(-part.evaluate(inputs)?),
            Self::Binary(operator, left, right) => {
                operator.apply(left.evaluate(inputs)?, right.evaluate(inputs)?)
            }
            Self::Min(parts) => Ok(all(parts)?.into_iter().min().unwrap_or_default()),
            Self::Max(parts) => Ok(all(parts)?.into_iter().max().unwrap_or_default()),
            Self::Clamp(parts) => {
                let [value, low, high] = &**parts;
                let (low, high) = (low.evaluate(inputs)?, high.evaluate(inputs)?);
                if low > high {
                    return Err(EvaluationError::ClampBounds);
                }
                Ok(value.evaluate(inputs)?.clamp(low, high))
            }
            Self::If(comparison, parts) => {
                let [left, right, then, otherwise] = &**parts;
                let taken = if comparison.holds(left.evaluate(inputs)?, right.evaluate(inputs)?) {
                    then
                } else {
                    otherwise
                };
                taken.evaluate(inputs)
            }
        }
    }
}

impl Operator {
    fn apply(self, left: Decimal, right: Decimal) -> Result<Decimal, EvaluationError> {
        let result = match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide if right.is_zero() => return Err(EvaluationError::DivisionByZero),
            Self::Divide => left.checked_div(right),
        };
        result.ok_or(EvaluationError::Overflow)
    }
}

impl Comparison {
    fn holds(self, left: Decimal, right: Decimal) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Different => left != right,
        }
    }
}
