//! The small pages of the stand-ins: a heading, a choice, buttons. No script and no style, as this server's policy for
//! content wants it.

use axum::response::{Html, IntoResponse, Response};

/// A choice on a page.
pub(super) struct Choice<'a> {
    pub value: &'a str,
    pub label: String,
}

/// A page with a form that posts to `action`; `hidden` goes along with the choice and the button that was pressed.
pub(super) fn form(
    title: &str,
    about: &str,
    action: &str,
    hidden: &[(&str, &str)],
    choices: &[Choice<'_>],
    buttons: &[(&str, &str)],
) -> Response {
    let hidden: Vec<String> = hidden
        .iter()
        .map(|(name, value)| format!(r#"<input type="hidden" name="{name}" value="{}">"#, escape(value)))
        .collect();
    let choices: Vec<String> = choices
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            let checked = if at == 0 { " checked" } else { "" };
            let (value, label) = (escape(choice.value), escape(&choice.label));
            format!(
                r#"<p><label><input type="radio" name="who" value="{value}"{checked}> {label}</label></p>"#
            )
        })
        .collect();
    let buttons: Vec<String> = buttons
        .iter()
        .map(|(value, label)| format!(r#"<button name="answer" value="{value}">{label}</button> "#))
        .collect();
    page(
        title,
        &format!(
            r#"<p>{}</p><form method="post" action="{}">{hidden}{choices}<p>{buttons}</p></form>"#,
            escape(about),
            escape(action),
            hidden = hidden.concat(),
            choices = choices.concat(),
            buttons = buttons.concat(),
        ),
    )
}

/// A page that only says something.
pub(super) fn notice(title: &str, text: &str) -> Response {
    page(title, &format!("<p>{}</p>", escape(text)))
}

fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><h1>{title}</h1><p>沙箱环境：以下均为虚构的示例，不会联系任何真实的人或单位。</p>{body}</html>"
    ))
    .into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_browser_sends_cannot_become_markup() {
        assert_eq!(super::escape(r#"<a href='x'>"&"#), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}
