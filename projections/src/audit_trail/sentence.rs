//! What an event says, in one Chinese sentence without personal data.

use domain::account::{AccountEvent, SignInChannel};
use domain::actor::Role;
use domain::event::Event;
use domain::legal_statement::LegalStatementEvent;
use domain::operation::OperationEvent;
use domain::park::ParkEvent;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::ReviewEvent;
use domain::staff_account::{SecondFactorUsed, StaffAccountEvent};
use domain::stored_file::StoredFileEvent;
use domain::working_calendar::WorkingCalendarEvent;

mod assessment;

/// The sentence of an event.
pub(super) fn of(event: &Event) -> String {
    match event {
        Event::Account(event) => account(event),
        Event::StaffAccount(event) => staff(event),
        Event::LegalStatement(LegalStatementEvent::Published { version, title, .. }) => {
            format!("发布《{title}》{version} 版")
        }
        Event::ProviderApplication(ProviderApplicationEvent::Opened { kind, .. }) => {
            format!("开始申请成为{}", kind.label())
        }
        Event::ProviderApplication(ProviderApplicationEvent::Review(event)) => review("申请", event),
        Event::Park(event) => park(event),
        Event::Operation(event) => operation(event),
        Event::WorkingCalendar(WorkingCalendarEvent::Set { year, schedule, .. }) => format!(
            "设置 {year} 年工作日历：放假 {} 天，调休上班 {} 天",
            schedule.days_off.len(),
            schedule.working_days.len()
        ),
        Event::AssessmentCycle(event) => assessment::cycle(event),
        Event::AssessmentSubmission(event) => assessment::submission(event),
        Event::Ranking(event) => assessment::ranking(event),
        Event::Objection(event) => assessment::objection(event),
        Event::StoredFile(event) => file(event),
    }
}

fn channel(channel: SignInChannel) -> &'static str {
    match channel {
        SignInChannel::Sms => "短信验证码",
        SignInChannel::Wechat => "微信",
        SignInChannel::Haiyiban => "海易办",
    }
}

fn account(event: &AccountEvent) -> String {
    match event {
        AccountEvent::Registered { channel: by, .. } => format!("通过{}注册账号", channel(*by)),
        AccountEvent::StatementConsented { version, .. } => format!("同意法律声明 {version} 版"),
        AccountEvent::SignedIn { channel: by, .. } => format!("通过{}登录", channel(*by)),
        AccountEvent::IdentityLinked { provider, .. } => format!("绑定{}", provider.label()),
        AccountEvent::IdentityUnlinked { provider } => format!("解绑{}", provider.label()),
        AccountEvent::SessionEnded { .. } => "结束会话".to_owned(),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Visitor => "访客",
        Role::User => "用户",
        Role::Enterprise => "企业",
        Role::Park => "园区",
        Role::Reviewer => "审核员",
        Role::Assessor => "考核管理员",
        Role::Editor => "内容管理员",
        Role::SystemAdmin => "系统管理员",
        Role::SecurityAdmin => "安全管理员",
        Role::Auditor => "审计管理员",
        Role::Process => "系统进程",
    }
}

fn staff(event: &StaffAccountEvent) -> String {
    match event {
        StaffAccountEvent::Created { username, .. } => format!("创建工作人员账号 {username}"),
        StaffAccountEvent::RoleGranted { role: granted } => format!("授予角色“{}”", role(*granted)),
        StaffAccountEvent::RoleRevoked { role: revoked } => format!("收回角色“{}”", role(*revoked)),
        StaffAccountEvent::PasswordChanged { .. } => "修改密码".to_owned(),
        StaffAccountEvent::PasswordReset { .. } => "重置密码".to_owned(),
        StaffAccountEvent::SecondFactorReset { .. } => "重置双因素认证".to_owned(),
        StaffAccountEvent::SignInFailed { locked_until: Some(_), .. } => "登录失败，账号暂时锁定".to_owned(),
        StaffAccountEvent::SignInFailed { locked_until: None, .. } => "登录失败".to_owned(),
        StaffAccountEvent::SignedIn { second_factor, .. } => match second_factor {
            SecondFactorUsed::None => "登录（未使用双因素认证）".to_owned(),
            SecondFactorUsed::Totp { .. } => "登录（动态口令）".to_owned(),
            SecondFactorUsed::RecoveryCode { .. } => "登录（恢复码）".to_owned(),
        },
        StaffAccountEvent::SessionEnded { .. } => "结束会话".to_owned(),
        StaffAccountEvent::Locked { reason } => format!("锁定账号：{reason}"),
        StaffAccountEvent::Unlocked {} => "解除账号锁定".to_owned(),
    }
}

fn review<C>(what: &str, event: &ReviewEvent<C>) -> String {
    match event {
        ReviewEvent::Drafted { .. } => format!("保存{what}草稿"),
        ReviewEvent::Submitted { revision, .. } => format!("提交{what}第 {revision} 版"),
        ReviewEvent::Withdrawn {} => format!("撤回{what}"),
        ReviewEvent::Claimed { .. } => format!("领取{what}审核"),
        ReviewEvent::Released {} => format!("放弃领取{what}审核"),
        ReviewEvent::Approved { revision, .. } => format!("通过{what}第 {revision} 版"),
        ReviewEvent::Returned { revision, reason, .. } => format!("退回{what}第 {revision} 版：{reason}"),
        ReviewEvent::Rejected { revision, reason, .. } => format!("驳回{what}第 {revision} 版：{reason}"),
    }
}

fn park(event: &ParkEvent) -> String {
    match event {
        ParkEvent::Established { kind, profile, .. } => {
            format!("设立{}“{}”", kind.label(), profile.name.as_deref().unwrap_or_default())
        }
        ParkEvent::StaffAdded { .. } => "添加后台人员".to_owned(),
        ParkEvent::StaffRemoved { .. } => "移出后台人员".to_owned(),
        ParkEvent::Suspended { reason } => format!("暂停：{reason}"),
        ParkEvent::Reinstated {} => "恢复".to_owned(),
        ParkEvent::Profile(event) => review("信息修改", event),
    }
}

fn file(event: &StoredFileEvent) -> String {
    match event {
        StoredFileEvent::Uploaded { content, .. } => {
            format!("上传文件（{}，{} 字节）", content.content_type.media_type(), content.size)
        }
        StoredFileEvent::Accepted { scanner: Some(_) } => "文件通过安全检查".to_owned(),
        StoredFileEvent::Accepted { scanner: None } => "文件已保存（未配置安全检查）".to_owned(),
        StoredFileEvent::Refused { finding, .. } => format!("文件未通过安全检查：{finding}"),
    }
}

fn operation(event: &OperationEvent) -> String {
    match event {
        OperationEvent::AuditQueried { operation, .. } => format!("查询审计记录（{operation}）"),
        OperationEvent::RankingExported { version, format, .. } => {
            format!("导出排名第 {version} 版（{format}）")
        }
        OperationEvent::ProjectionRebuildRequested { projection } => format!("重建读模型 {projection}"),
        OperationEvent::ParkedRetried { projection, key } => {
            format!("重试读模型 {projection} 搁置的事件（{key}）")
        }
        OperationEvent::ParkedSkipped { projection, key } => {
            format!("跳过读模型 {projection} 搁置的事件（{key}）")
        }
    }
}
