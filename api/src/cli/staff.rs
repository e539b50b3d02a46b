//! `zsq staff create`: how the first administrators come into being.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use application::{Context, ExecuteError, Order};
use clap::{Subcommand, ValueEnum};
use domain::actor::{Actor, Role};
use domain::id::StaffId;
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand};
use infrastructure::passwords;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::serve::Platform;

/// What `zsq staff` can do.
#[derive(Debug, Subcommand)]
pub enum StaffCommand {
    /// Create a staff account and print its secrets, once
    Create {
        /// 3–32 of a-z 0-9 . _ -, beginning with a letter
        #[arg(long)]
        username: String,
        /// The role to begin with; further ones are granted by a security administrator
        #[arg(long, value_enum)]
        role: StaffRole,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Read the password from standard input; it is then not a one-time one
        #[arg(long)]
        password_stdin: bool,
    },
}

/// A role of staff, by its name in the API.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "camelCase")]
pub enum StaffRole {
    /// 审核员
    Reviewer,
    /// 考核管理员
    Assessor,
    /// 内容管理员
    Editor,
    /// 系统管理员
    SystemAdmin,
    /// 安全管理员
    SecurityAdmin,
    /// 审计管理员
    Auditor,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Reviewer => Self::Reviewer,
            StaffRole::Assessor => Self::Assessor,
            StaffRole::Editor => Self::Editor,
            StaffRole::SystemAdmin => Self::SystemAdmin,
            StaffRole::SecurityAdmin => Self::SecurityAdmin,
            StaffRole::Auditor => Self::Auditor,
        }
    }
}

/// What is printed, once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    username: &'a str,
    role: &'static str,
    /// Absent when it was given: whoever gave it knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    totp_secret: &'a str,
    recovery_codes: Vec<&'a str>,
}

/// Runs one.
pub async fn run(command: StaffCommand, platform: &Platform) -> anyhow::Result<()> {
    let StaffCommand::Create { username, role, json, password_stdin } = command;
    let role = Role::from(role);
    let (password, one_time) = if password_stdin {
        (checked(read_password()?, &username, platform)?, false)
    } else {
        (passwords::generate_one_time(), true)
    };
    let state = &platform.state;
    let staff = StaffId(state.app.clock.new_id());
    let record = state.credentials.store_password(staff, &password).await?;
    let second_factor = state.credentials.store_second_factor(staff).await?;
    let new = NewStaff {
        staff,
        username,
        roles: vec![role],
        password: record,
        one_time,
        second_factor: Some((second_factor.totp, second_factor.recovery_codes)),
    };
    let context = Context { trace_id: state.app.clock.new_id().simple().to_string(), ..Context::default() };
    let order =
        Order::new(staff.0, Actor::Process("command_line"), StaffAccountCommand::Create(new), context);
    match state.app.execute::<StaffAccount>(order).await {
        Ok(_) => {}
        Err(ExecuteError::Refused(refused)) => bail!("{}", refused.detail),
        Err(error) => return Err(error.into()),
    }
    let username = state.app.load::<StaffAccount>(staff.0).await?.state.username;
    let created = Created {
        username: &username,
        role: role.name(),
        password: one_time.then(|| password.expose_secret()),
        totp_secret: second_factor.totp_secret.expose_secret(),
        recovery_codes: second_factor.recovery_code_list.iter().map(ExposeSecret::expose_secret).collect(),
    };
    print(&created, json, &mut io::stdout().lock())
}

fn print(created: &Created<'_>, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(created)?)?;
        return Ok(());
    }
    writeln!(out, "username        {}", created.username)?;
    writeln!(out, "role            {}", created.role)?;
    if let Some(password) = created.password {
        writeln!(out, "password        {password}  (one-time: to be changed at the first sign-in)")?;
    }
    writeln!(out, "totpSecret      {}  (RFC 6238, SHA-1, 6 digits, 30 s)", created.totp_secret)?;
    writeln!(out, "recovery codes  {}", created.recovery_codes.join(" "))?;
    writeln!(out, "These are shown once.")?;
    Ok(())
}

fn read_password() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("the password cannot be read from standard input")?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn checked(password: SecretString, username: &str, platform: &Platform) -> anyhow::Result<SecretString> {
    let broken = platform.state.config.sign_in.password_policy.check(&password, username);
    if broken.is_empty() {
        return Ok(password);
    }
    let rules: Vec<String> = broken.into_iter().map(|error| error.detail).collect();
    bail!("{}", rules.join("；"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(password: Option<&str>, json: bool) -> String {
        let created = Created {
            username: "chen.hai",
            role: "reviewer",
            password,
            totp_secret: "JBSWY3DP",
            recovery_codes: vec!["a1", "b2"],
        };
        let mut out = Vec::new();
        print(&created, json, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_password_that_was_given_is_not_printed_back() {
        for json in [false, true] {
            assert!(printed(Some("Einmal-2026"), json).contains("Einmal-2026"));
            let without = printed(None, json);
            assert!(!without.contains("assword"), "{without}");
            assert!(without.contains("JBSWY3DP") && without.contains("b2"), "{without}");
        }
    }
}
