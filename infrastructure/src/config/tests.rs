use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn config(values: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| {
        values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn wrong(values: &[(&str, &str)]) -> Vec<&'static str> {
    config(values).unwrap_err().problems.iter().map(|problem| problem.variable).collect()
}

/// What production mode wants to be told, but for its gateway of text messages.
const EARNEST: [(&str, &str); 5] = [
    ("ZSQ_MODE", "production"),
    ("ZSQ_MASTER_KEY", KEY),
    ("ZSQ_PUBLIC_URL", "https://kjds.example.gov.cn/"),
    ("ZSQ_FILES_URL", "file:///srv/zsq/files"),
    ("ZSQ_SCANNER_URL", "off"),
];

#[test]
fn without_any_variable_it_is_sanyas_sandbox() {
    let config = config(&[]).unwrap();
    assert!(!config.is_production());
    assert_eq!(config.zone.name, "三亚跨境电子商务综合试验区");
    assert_eq!(config.http.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.sms.provider, SmsProvider::Sandbox);
    assert_eq!(config.sms.sign_name, "三亚综试区");
    assert_eq!(config.sign_in.password_policy.name(), "djbh3");
    assert!(!config.sign_in.require_certification);
    assert!(config.notices().is_empty());
}

#[test]
fn all_wrong_variables_are_told_at_once() {
    let values = [
        ("ZSQ_LISTEN", "localhost"),
        ("ZSQ_DATABASE_URL", "mysql://zsq:geheim@db/zsq"),
        ("ZSQ_PASSWORD_POLICY", "none"),
        ("ZSQ_MASTER_KEY", "geheim"),
        ("ZSQ_TRUSTED_PROXIES", "10.0.0.1, proxy"),
    ];
    let error = config(&values).unwrap_err();
    let names: BTreeSet<_> = error.problems.iter().map(|problem| problem.variable).collect();
    assert_eq!(names, values.iter().map(|(name, _)| *name).collect());
    let text = error.to_string();
    assert!(text.contains("ZSQ_LISTEN: expected an IP address and a port"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

const ALIYUN: [(&str, &str); 4] = [
    ("ZSQ_SMS_PROVIDER", "aliyun"),
    ("ZSQ_SMS_KEY_ID", "AKID"),
    ("ZSQ_SMS_KEY_SECRET", "geheim"),
    ("ZSQ_SMS_TEMPLATE_VERIFICATION_CODE", "SMS_1"),
];

#[test]
fn a_gateway_is_read_with_its_usual_address() {
    let sms = config(&ALIYUN).unwrap().sms;
    assert_eq!(sms.provider, SmsProvider::Gateways);
    let [gateway] = &sms.gateways[..] else { panic!("{:?}", sms.gateways) };
    assert_eq!(gateway.kind, GatewayKind::Aliyun);
    assert_eq!(gateway.endpoint.host_str(), Some("dysmsapi.aliyuncs.com"));
    assert_eq!(gateway.endpoint.scheme(), "https");
    assert_eq!(gateway.sign_name, "三亚综试区");
}

#[test]
fn a_gateway_without_its_keys_is_told_variable_by_variable() {
    let tencent = wrong(&[("ZSQ_SMS_PROVIDER", "tencent")]);
    let needed =
        ["ZSQ_SMS_KEY_ID", "ZSQ_SMS_KEY_SECRET", "ZSQ_SMS_APP_ID", "ZSQ_SMS_TEMPLATE_VERIFICATION_CODE"];
    assert_eq!(tencent, needed);
    assert_eq!(wrong(&[("ZSQ_SMS_PROVIDER", "aliyun")]), [needed[0], needed[1], needed[3]]);
    for unknown in ["telegram", "aliyun,aliyun", "aliyun,off", "aliyun,tencent,aliyun", ","] {
        assert_eq!(wrong(&[("ZSQ_SMS_PROVIDER", unknown)]), ["ZSQ_SMS_PROVIDER"], "{unknown}");
    }
}

#[test]
fn the_second_gateway_has_variables_of_its_own() {
    let mut values = ALIYUN.to_vec();
    values[0].1 = "aliyun, tencent";
    values.push(("ZSQ_SMS_FALLBACK_KEY_ID", "TCID"));
    values.push(("ZSQ_SMS_FALLBACK_APP_ID", "1400000000"));
    let needed = ["ZSQ_SMS_FALLBACK_KEY_SECRET", "ZSQ_SMS_FALLBACK_TEMPLATE_VERIFICATION_CODE"];
    assert_eq!(wrong(&values), needed);
    values.push((needed[0], "geheim"));
    values.push((needed[1], "1234"));
    let sms = config(&values).unwrap().sms;
    let second = &sms.gateways[1];
    assert_eq!((second.kind, second.key_id.as_str()), (GatewayKind::Tencent, "TCID"));
    assert_eq!(second.region.as_deref(), Some("ap-guangzhou"));
    assert_eq!(second.sign_name, "三亚综试区", "one name for all of them, unless said otherwise");
}

#[test]
fn the_sandbox_is_its_own_wechat_and_production_has_none_unless_told() {
    let sandbox = config(&[("ZSQ_LISTEN", "0.0.0.0:8081")]).unwrap().wechat;
    assert_eq!(sandbox.website.unwrap().api_url.as_str(), "http://127.0.0.1:8081/sandbox/wechat");
    let mut told = EARNEST.to_vec();
    told.push(("ZSQ_SMS_PROVIDER", "off"));
    assert!(config(&told).unwrap().wechat.website.is_none());
    assert!(config(&told).unwrap().haiyiban.is_none());
    told.push(("ZSQ_WECHAT_APP_ID", "wx0000000000000001"));
    assert_eq!(wrong(&told), ["ZSQ_WECHAT_APP_SECRET"]);
    told.push(("ZSQ_WECHAT_APP_SECRET", "geheim"));
    let website = config(&told).unwrap().wechat.website.unwrap();
    assert_eq!(website.api_url.host_str(), Some("api.weixin.qq.com"));
    told.push(("ZSQ_WECHAT_OFFICIAL_APP_SECRET", "geheim"));
    assert_eq!(wrong(&told), ["ZSQ_WECHAT_OFFICIAL_APP_ID"]);
}

#[test]
fn a_declaration_is_read_at_the_start_and_a_wrong_one_is_told() {
    let folder = Folder::new("declaration");
    let (right, false_one) = (folder.0.join("idp.toml"), folder.0.join("wrong.toml"));
    fs::write(&right, include_str!("../sso/sandbox.toml")).unwrap();
    fs::write(&false_one, "name = \"示例\"\nprotocol = \"saml\"").unwrap();
    let read = |path: &std::path::Path| config(&[("ZSQ_HAIYIBAN_CONFIG", path.to_str().unwrap())]);
    assert_eq!(read(&right).unwrap().haiyiban.unwrap().name, "海易办");
    for path in [false_one, folder.0.join("none.toml")] {
        let error = read(&path).unwrap_err();
        assert_eq!(error.problems[0].variable, "ZSQ_HAIYIBAN_CONFIG", "{error}");
    }
    let sandbox = config(&[]).unwrap().haiyiban.unwrap();
    assert_eq!(sandbox.base_url.as_str(), "http://127.0.0.1:8080/sandbox/haiyiban");
}

#[test]
fn production_refuses_what_plays_at_being_real() {
    let refused = wrong(&[("ZSQ_MODE", "production")]);
    assert_eq!(
        refused,
        ["ZSQ_MASTER_KEY", "ZSQ_PUBLIC_URL", "ZSQ_SMS_PROVIDER", "ZSQ_FILES_URL", "ZSQ_SCANNER_URL"]
    );
    let without_messages: Vec<_> = EARNEST.into_iter().chain([("ZSQ_SMS_PROVIDER", "off")]).collect();
    assert_eq!(config(&without_messages).unwrap().http.public_url, "https://kjds.example.gov.cn");
    let with_messages: Vec<_> = EARNEST.into_iter().chain(ALIYUN).collect();
    config(&with_messages).unwrap();
}

#[test]
fn files_are_in_a_folder_or_in_a_bucket() {
    let place = |url: &str| config(&[("ZSQ_FILES_URL", url)]).map(|config| config.files.place);
    assert_eq!(config(&[]).unwrap().files.place, FilesPlace::Default);
    assert_eq!(place("file:///srv/zsq/files").unwrap(), FilesPlace::Folder("/srv/zsq/files".into()));
    for wrong_url in
        ["/srv/files", "file://host/srv", "s3://", "s3://key:secret@bucket", "https://bucket.example/"]
    {
        assert_eq!(wrong(&[("ZSQ_FILES_URL", wrong_url)]), ["ZSQ_FILES_URL"], "{wrong_url}");
    }
    let values = [
        ("ZSQ_FILES_URL", "s3://zsq-files/sanya/"),
        ("ZSQ_FILES_ENDPOINT", "https://s3.example:9000/"),
        ("ZSQ_FILES_REGION", "cn-hainan-1"),
        ("ZSQ_FILES_KEY_ID", "zsq"),
        ("ZSQ_FILES_KEY_SECRET", "geheim"),
    ];
    let FilesPlace::Bucket(bucket) = config(&values).unwrap().files.place else { panic!("a bucket") };
    assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("zsq-files", "sanya"));
    assert_eq!(bucket.endpoint.as_deref(), Some("https://s3.example:9000"));
    assert_eq!((bucket.addressing, bucket.key.is_some()), (Addressing::Path, true));
    assert_eq!(wrong(&values[..4]), ["ZSQ_FILES_KEY_SECRET"], "a key id alone opens nothing");
    let host = [values[0], values[1], ("ZSQ_FILES_ADDRESSING", "host")];
    let FilesPlace::Bucket(bucket) = config(&host).unwrap().files.place else { panic!("a bucket") };
    assert_eq!(bucket.addressing, Addressing::Host);
    assert_eq!(wrong(&[("ZSQ_FILES_ENDPOINT", "https://s3.example")]), ["ZSQ_FILES_ENDPOINT"]);
}

#[test]
fn a_scanner_is_an_address_or_off() {
    let scanner = |url: &str| config(&[("ZSQ_SCANNER_URL", url)]).map(|config| config.files.scanner);
    let at = |address: &str| ScannerConfig::ClamAv(address.to_owned());
    assert_eq!(scanner("tcp://clamd:3310").unwrap(), at("clamd:3310"));
    assert_eq!(scanner("tcp://[::1]:3310").unwrap(), at("[::1]:3310"));
    assert_eq!(scanner("off").unwrap(), ScannerConfig::Off);
    assert_eq!(config(&[]).unwrap().files.scanner, ScannerConfig::Unsaid);
    for wrong_url in ["clamd", "tcp://clamd", "http://clamd:3310", "tcp://clamd:3310/path"] {
        assert_eq!(wrong(&[("ZSQ_SCANNER_URL", wrong_url)]), ["ZSQ_SCANNER_URL"], "{wrong_url}");
    }
}

#[test]
fn two_listeners_need_two_addresses() {
    assert_eq!(wrong(&[("ZSQ_OPS_LISTEN", "127.0.0.1:8080")]), ["ZSQ_OPS_LISTEN"]);
    config(&[("ZSQ_LISTEN", "127.0.0.1:0"), ("ZSQ_OPS_LISTEN", "127.0.0.1:0")]).unwrap();
}

#[test]
fn the_own_variable_wins_over_the_usual_one() {
    use secrecy::ExposeSecret;
    let both = [("DATABASE_URL", "postgres://a@h/one"), ("ZSQ_DATABASE_URL", "postgres://a@h/two")];
    assert_eq!(config(&both).unwrap().database.url.unwrap().expose_secret(), "postgres://a@h/two");
    assert_eq!(config(&both[..1]).unwrap().database.url.unwrap().expose_secret(), "postgres://a@h/one");
}

#[test]
fn a_description_shows_everything_but_secrets() {
    let values = [
        ("ZSQ_DATABASE_URL", "postgres://zsq:geheim@db.example/zsq?password=geheim"),
        ("ZSQ_MASTER_KEY", KEY),
        ("ZSQ_SMS_KEY_SECRET", "geheim"),
    ];
    let mut config = config(&values).unwrap();
    config.note_unknown(["ZSQ_LISTEM", "ZSQ_LISTEN", "PATH"].into_iter().map(str::to_owned));
    let described = config.describe();
    let text = format!("{described:?} {config:?}");
    assert!(!text.contains("geheim") && !text.contains(KEY), "{text}");
    let value = |name: &str| described.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("ZSQ_DATABASE_URL"), Some("postgres://zsq:***@db.example/zsq"));
    assert_eq!(value("ZSQ_MASTER_KEY"), Some("(set, hidden)"));
    assert_eq!(value("ZSQ_MODE"), Some("sandbox (default)"));
    assert_eq!(value("ZSQ_LISTEM"), Some("(unknown to zsq: has no effect)"));
    assert_eq!(value("PATH"), None);
}

#[test]
fn what_is_set_without_effect_is_noticed() {
    let notices = config(&[("ZSQ_OTLP_ENDPOINT", "http://localhost:4318")]).unwrap().notices();
    assert_eq!(notices, ["ZSQ_OTLP_ENDPOINT is set, but this version of zsq does not export traces yet"]);
}

#[test]
fn the_example_file_has_every_variable_with_one_line_about_it() {
    let example = include_str!("../../../.env.example");
    let lines: Vec<&str> = example.lines().collect();
    let mut documented = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((name, _)) = line.trim_start_matches('#').trim().split_once('=') else { continue };
        if name.ends_with("DATABASE_URL") || name.starts_with(PREFIX) {
            assert!(at > 0 && lines[at - 1].starts_with("# "), "{name} has no line about it");
            documented.insert(name.to_owned());
        }
    }
    let read: BTreeSet<String> =
        config(&[]).unwrap().shown.iter().map(|shown| shown.name.to_owned()).collect();
    assert_eq!(documented, read);
}

/// A folder of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("zsq-config-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn the_sandbox_makes_its_master_key_once_and_only_for_its_owner() {
    let folder = Folder::new("made");
    let config = config(&[]).unwrap();
    let made = master_key(&config, &folder.0).unwrap();
    let again = master_key(&config, &folder.0).unwrap();
    assert_eq!(made.derive("test"), again.derive("test"));
    let file = folder.0.join("master-key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(master_key(&config, &folder.0), Err(NoMasterKey::Exposed { .. })));
}

#[test]
fn a_data_folder_that_is_not_there_is_made_for_the_key() {
    let folder = Folder::new("parent");
    let data = folder.0.join("var/data");
    let made = master_key(&config(&[]).unwrap(), &data).unwrap();
    for path in [folder.0.join("var"), data.clone()] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
    }
    assert_eq!(master_key(&config(&[]).unwrap(), &data).unwrap().derive("test"), made.derive("test"));
    fs::write(folder.0.join("file"), "").unwrap();
    let inside_a_file = master_key(&config(&[]).unwrap(), &folder.0.join("file/data"));
    assert!(matches!(inside_a_file, Err(NoMasterKey::Io { .. })));
}

#[test]
fn a_damaged_master_key_is_not_replaced() {
    let folder = Folder::new("damaged");
    let file = folder.0.join("master-key");
    fs::write(&file, "half a key").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(master_key(&config(&[]).unwrap(), &folder.0), Err(NoMasterKey::Damaged { .. })));
}

#[test]
fn a_master_key_that_is_given_is_used() {
    let given = config(&[("ZSQ_MASTER_KEY", KEY)]).unwrap();
    let nowhere = PathBuf::from("/nonexistent");
    let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(
        master_key(&given, &nowhere).unwrap().derive("test"),
        crate::keys::MasterKey::from_bytes(bytes).derive("test")
    );
}
