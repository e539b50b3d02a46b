//! The limits, each with its name (as the `RateLimit-Policy` field shows it) and its reason.

use chrono::TimeDelta;

/// So many times within a rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Stable name, for the header and for operators.
    pub policy: &'static str,
    /// How often.
    pub quota: u32,
    /// Within how long; at most [`super::KEPT_FOR`].
    pub window: TimeDelta,
}

const fn limit(policy: &'static str, quota: u32, window: TimeDelta) -> Limit {
    Limit { policy, quota, window }
}

/// The limits of the SMS gateways themselves (Aliyun: 1 a minute, 5 an hour, 10 in 24 hours; domain.md M02, §3.4).
pub(super) const SMS_PER_PHONE: [Limit; 3] = [
    limit("sms-phone-minute", 1, TimeDelta::minutes(1)),
    limit("sms-phone-hour", 5, TimeDelta::hours(1)),
    limit("sms-phone-day", 10, TimeDelta::days(1)),
];

/// An office of thirty people behind one address can all sign in in the morning; a list of numbers cannot be worked
/// through (domain.md REG-29, SMS bombing).
pub(super) const SMS_PER_ADDRESS: [Limit; 3] = [
    limit("sms-address-minute", 10, TimeDelta::minutes(1)),
    limit("sms-address-hour", 60, TimeDelta::hours(1)),
    limit("sms-address-day", 200, TimeDelta::days(1)),
];

/// A whole zone's codes in a day, unless configured: about ten times a busy day, and a bill one can bear.
pub const SMS_DAILY_MAX_DEFAULT: u32 = 5_000;

/// The zone's budget.
pub(super) const fn sms_in_total(quota: u32) -> Limit {
    limit("sms-total-day", quota, TimeDelta::days(1))
}

/// Every staff account locks itself after five failures; this stops trying one password on many accounts. A whole
/// authority may sit behind one address.
pub(super) const STAFF_PER_ADDRESS: [Limit; 2] = [
    limit("staff-address-minute", 30, TimeDelta::minutes(1)),
    limit("staff-address-hour", 300, TimeDelta::hours(1)),
];

/// A page that shows a QR code renews it every five minutes; an office of thirty people may have it open behind one
/// address. What begins and never ends is a row each.
pub(super) const LOGIN_PER_ADDRESS: [Limit; 2] = [
    limit("login-address-minute", 30, TimeDelta::minutes(1)),
    limit("login-address-hour", 600, TimeDelta::hours(1)),
];

/// A form with nine pictures and twenty certificates goes out in a minute; the evidence of a whole assessment, some sixty
/// items with a few files each, in a day. At 20 MB each it stays a volume that one disk can bear. Refused files count too.
pub(super) const FILES_PER_OWNER: [Limit; 2] = [
    limit("files-owner-minute", 60, TimeDelta::minutes(1)),
    limit("files-owner-day", 300, TimeDelta::days(1)),
];
