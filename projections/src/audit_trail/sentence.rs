//! What an event says, in one Chinese sentence without personal data.

use domain::account::{AccountEvent, SignInChannel};
use domain::actor::Role;
use domain::enterprise_import::EnterpriseImportEvent;
use domain::event::Event;
use domain::legal_statement::LegalStatementEvent;
use domain::managed_enterprise::ManagedEnterpriseEvent;
use domain::news_article::NewsArticleEvent;
use domain::operation::OperationEvent;
use domain::park::ParkEvent;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::ReviewEvent;
use domain::settlement_application::{Outcome, SettlementApplicationEvent};
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
        Event::NewsArticle(event) => news(event),
        Event::SettlementApplication(event) => settlement(event),
        Event::ManagedEnterprise(event) => enterprise(event),
        Event::EnterpriseImport(event) => import(event),
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

fn news(event: &NewsArticleEvent) -> String {
    match event {
        NewsArticleEvent::Opened { .. } => "新建资讯".to_owned(),
        NewsArticleEvent::HitsConfirmed { revision, hits } => {
            format!("确认提交第 {revision} 版资讯中的 {} 处提示", hits.len())
        }
        NewsArticleEvent::TakenDown { reason } => format!("下架资讯：{reason}"),
        NewsArticleEvent::PutBack {} => "重新上架资讯".to_owned(),
        NewsArticleEvent::Deleted { reason: Some(reason), .. } => format!("删除资讯：{reason}"),
        NewsArticleEvent::Deleted { reason: None, .. } => "删除资讯".to_owned(),
        NewsArticleEvent::Restored {} => "恢复资讯".to_owned(),
        NewsArticleEvent::Review(event) => review("资讯", event),
    }
}

fn settlement(event: &SettlementApplicationEvent) -> String {
    match event {
        SettlementApplicationEvent::Submitted { .. } => "提交入驻申请".to_owned(),
        SettlementApplicationEvent::ContactViewed { .. } => "查看入驻申请的联系方式".to_owned(),
        SettlementApplicationEvent::NoteAdded { .. } => "添加入驻申请跟进记录".to_owned(),
        SettlementApplicationEvent::Landed { .. } => "入驻申请已落地".to_owned(),
        SettlementApplicationEvent::NotLanded { reason, .. } => format!("入驻申请未落地：{reason}"),
        SettlementApplicationEvent::OutcomeCorrected { outcome, reason, .. } => {
            let right = match outcome {
                Outcome::Landed => "已落地",
                Outcome::NotLanded => "未落地",
            };
            format!("入驻申请结果更正为{right}：{reason}")
        }
        SettlementApplicationEvent::Withdrawn {} => "撤回入驻申请".to_owned(),
        SettlementApplicationEvent::Overdue {} => "入驻申请逾期未答复".to_owned(),
    }
}

fn import(event: &EnterpriseImportEvent) -> String {
    match event {
        EnterpriseImportEvent::Previewed { plan, .. } => format!("预检企业名录导入，共 {} 行", plan.rows()),
        EnterpriseImportEvent::Committed { .. } => "提交企业名录导入".to_owned(),
        EnterpriseImportEvent::Advanced { done, is_last: true, .. } => {
            format!("企业名录导入完成，共 {done} 行")
        }
        EnterpriseImportEvent::Advanced { done, is_last: false, .. } => format!("企业名录已导入 {done} 行"),
    }
}

fn enterprise(event: &ManagedEnterpriseEvent) -> String {
    match event {
        ManagedEnterpriseEvent::Added { enterprise, .. } => format!("企业名录添加“{}”", enterprise.name),
        ManagedEnterpriseEvent::Edited { enterprise, changes, .. } => {
            format!("修改企业“{}”的 {} 项信息", enterprise.name, changes.len())
        }
        ManagedEnterpriseEvent::Deleted { reason: Some(reason) } => format!("企业名录删除企业：{reason}"),
        ManagedEnterpriseEvent::Deleted { reason: None } => "企业名录删除企业".to_owned(),
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
        OperationEvent::EnterprisesExported { filter, reason, .. } => match reason {
            Some(reason) => format!("导出企业名录（{filter}），含完整联系方式：{reason}"),
            None => format!("导出企业名录（{filter}）"),
        },
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
