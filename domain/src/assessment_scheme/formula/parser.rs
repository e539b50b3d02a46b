//! Reads the expression language: a scanner over characters, then recursive descent.

use rust_decimal::Decimal;

use super::{CHARS_MAX, Comparison, DEPTH_MAX, Expression, FormulaError, Operator};
use crate::text;

/// Digits before the point of a number.
const WHOLE_DIGITS_MAX: usize = 12;
/// Places of a number.
const PLACES_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number(String),
    Name(String),
    Operator(Operator),
    Comparison(Comparison),
    Open,
    Close,
    Comma,
}

/// A token, where it begins (from 1), and as it was written.
struct Placed {
    token: Token,
    place: usize,
    written: String,
}

/// Reads `expression` over inputs with these names.
pub fn parse(expression: &str, names: &[&str]) -> Result<Expression, FormulaError> {
    if text::is_blank(expression) {
        return Err(FormulaError::Empty);
    }
    if expression.chars().count() > CHARS_MAX {
        return Err(FormulaError::TooLong);
    }
    let tokens = scan(expression)?;
    let mut parser = Parser { tokens: &tokens, next: 0, names };
    let read = parser.expression(0)?;
    match parser.peek() {
        None => Ok(read),
        Some(_) => Err(parser.unexpected("运算符或结尾")),
    }
}

fn scan(expression: &str) -> Result<Vec<Placed>, FormulaError> {
    let folded = text::fold_width(expression);
    let chars: Vec<char> = folded.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let run =
            |belongs: fn(char) -> bool| chars[at..].iter().copied().take_while(|c| belongs(*c)).collect();
        let (token, written): (Token, String) = if c.is_ascii_digit() || c == '.' {
            let digits: String = run(|c| c.is_ascii_digit() || c == '.');
            (Token::Number(digits.clone()), digits)
        } else if c.is_alphabetic() || c == '_' {
            let name: String = run(|c| c.is_alphanumeric() || c == '_');
            (Token::Name(name.clone()), name)
        } else if let Some((token, length)) = sign(c, chars.get(at + 1).copied()) {
            (token, chars[at..at + length].iter().collect())
        } else {
            let expected = "数字、输入项或运算符";
            return Err(FormulaError::Unexpected { place: at + 1, found: c.to_string(), expected });
        };
        let length = written.chars().count();
        tokens.push(Placed { token, place: at + 1, written });
        at += length;
    }
    Ok(tokens)
}

/// The sign that begins with `c`, and its length in characters.
fn sign(c: char, following: Option<char>) -> Option<(Token, usize)> {
    let doubled = following == Some('=');
    let pair = |alone: Comparison, with_equals: Comparison| {
        if doubled { (Token::Comparison(with_equals), 2) } else { (Token::Comparison(alone), 1) }
    };
    Some(match c {
        '+' => (Token::Operator(Operator::Add), 1),
        '-' | '−' => (Token::Operator(Operator::Subtract), 1),
        '*' | '×' | '·' => (Token::Operator(Operator::Multiply), 1),
        '/' | '÷' => (Token::Operator(Operator::Divide), 1),
        '(' => (Token::Open, 1),
        ')' => (Token::Close, 1),
        ',' => (Token::Comma, 1),
        '<' => pair(Comparison::Less, Comparison::AtMost),
        '>' => pair(Comparison::Greater, Comparison::AtLeast),
        '=' => pair(Comparison::Equal, Comparison::Equal),
        '!' if doubled => (Token::Comparison(Comparison::Different), 2),
        '≤' => (Token::Comparison(Comparison::AtMost), 1),
        '≥' => (Token::Comparison(Comparison::AtLeast), 1),
        '≠' => (Token::Comparison(Comparison::Different), 1),
        _ => return None,
    })
}

struct Parser<'a> {
    tokens: &'a [Placed],
    next: usize,
    names: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn take(&mut self, wanted: &Token, expected: &'static str) -> Result<(), FormulaError> {
        if self.peek() == Some(wanted) {
            self.next += 1;
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn unexpected(&self, expected: &'static str) -> FormulaError {
        match self.tokens.get(self.next) {
            Some(Placed { place, written, .. }) => {
                FormulaError::Unexpected { place: *place, found: written.clone(), expected }
            }
            None => FormulaError::Incomplete(expected),
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, FormulaError> {
        let mut left = self.term(depth)?;
        while let Some(Token::Operator(operator @ (Operator::Add | Operator::Subtract))) = self.peek() {
            self.next += 1;
            left = Expression::Binary(*operator, Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> Result<Expression, FormulaError> {
        let mut left = self.factor(depth)?;
        while let Some(Token::Operator(operator @ (Operator::Multiply | Operator::Divide))) = self.peek() {
            self.next += 1;
            left = Expression::Binary(*operator, Box::new(left), Box::new(self.factor(depth)?));
        }
        Ok(left)
    }

    fn factor(&mut self, depth: usize) -> Result<Expression, FormulaError> {
        if depth >= DEPTH_MAX {
            return Err(FormulaError::TooDeep);
        }
        match self.peek() {
            Some(Token::Operator(Operator::Subtract)) => {
                self.next += 1;
                Ok(Expression::Negative(Box::new(self.factor(depth + 1)?)))
            }
            Some(Token::Number(digits)) => {
                self.next += 1;
                number(digits).map(Expression::Number)
            }
            Some(Token::Name(name)) => {
                self.next += 1;
                if self.peek() == Some(&Token::Open) {
                    self.next += 1;
                    return self.call(name, depth + 1);
                }
                if !self.names.contains(&name.as_str()) {
                    return Err(FormulaError::UnknownName(name.clone()));
                }
                Ok(Expression::Input(name.clone()))
            }
            Some(Token::Open) => {
                self.next += 1;
                let inner = self.expression(depth + 1)?;
                self.take(&Token::Close, "右括号")?;
                Ok(inner)
            }
            Some(
                Token::Operator(Operator::Add | Operator::Multiply | Operator::Divide)
                | Token::Comparison(_)
                | Token::Close
                | Token::Comma,
            )
            | None => Err(self.unexpected("数字、输入项或括号")),
        }
    }

    /// A function behind its opening bracket.
    fn call(&mut self, name: &str, depth: usize) -> Result<Expression, FormulaError> {
        match name {
            "min" => Ok(Expression::Min(self.at_least_two("min", depth)?)),
            "max" => Ok(Expression::Max(self.at_least_two("max", depth)?)),
            "clamp" => {
                let parts = self.arguments(depth)?;
                let given = parts.len();
                let wrong = |_| FormulaError::Arguments { function: "clamp", expected: " 3 ", given };
                Ok(Expression::Clamp(Box::new(parts.try_into().map_err(wrong)?)))
            }
            "if" => {
                let left = self.expression(depth)?;
                let Some(Token::Comparison(comparison)) = self.peek() else {
                    return Err(self.unexpected("比较符号（< ≤ > ≥ = ≠）"));
                };
                self.next += 1;
                let right = self.expression(depth)?;
                self.take(&Token::Comma, "逗号")?;
                let then = self.expression(depth)?;
                self.take(&Token::Comma, "逗号")?;
                let otherwise = self.expression(depth)?;
                self.take(&Token::Close, "右括号")?;
                Ok(Expression::If(*comparison, Box::new([left, right, then, otherwise])))
            }
            _ => Err(FormulaError::UnknownName(name.to_owned())),
        }
    }

    fn at_least_two(
        &mut self,
        function: &'static str,
        depth: usize,
    ) -> Result<Vec<Expression>, FormulaError> {
        let parts = self.arguments(depth)?;
        if parts.len() < 2 {
            return Err(FormulaError::Arguments { function, expected: "至少 2 ", given: parts.len() });
        }
        Ok(parts)
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Expression>, FormulaError> {
        let mut parts = vec![self.expression(depth)?];
        while self.peek() == Some(&Token::Comma) {
            self.next += 1;
            parts.push(self.expression(depth)?);
        }
        self.take(&Token::Close, "逗号或右括号")?;
        Ok(parts)
    }
}

fn number(digits: &str) -> Result<Decimal, FormulaError> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = !whole.is_empty()
        && whole.len() <= WHOLE_DIGITS_MAX
        && (1..=PLACES_MAX).contains(&fraction.len())
        && !fraction.contains('.');
    if !is_number {
        return Err(FormulaError::Number(digits.to_owned()));
    }
    Decimal::from_str_exact(digits).map_err(|_| FormulaError::Number(digits.to_owned()))
}
