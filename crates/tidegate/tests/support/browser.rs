//! A person in a browser without JavaScript.

use serde_json::json;

use super::{Server, request};

/// Signs somebody in by a one-time link, and answers the cookie of the session.
pub fn sign_in(server: &Server, name: &str) -> String {
    let (code, link) = server.post("/api/tidegate/v1/sign-in-links", &json!({"name": name}));
    assert_eq!(code, 201, "{link}");
    let path = link["path"].as_str().expect("a path");
    let page = request(server.address, "GET", path, &[], b"").expect("a page");
    let code = path.split_once("code=").expect("a code").1.to_owned();
    let origin = format!("http://{}", server.address);
    let mut headers =
        vec![("content-type", "application/x-www-form-urlencoded"), ("origin", origin.as_str())];
    let cookie = page.header("set-cookie").map(first_pair);
    if let Some(cookie) = &cookie {
        headers.push(("cookie", cookie));
    }
    let mut body = format!("code={code}");
    if let Some(csrf) = field(&page.text(), "csrf") {
        body.push_str(&format!("&csrf={csrf}"));
    }
    let signed_in = request(server.address, "POST", "/bridge/login", &headers, body.as_bytes());
    let signed_in = signed_in.expect("an answer");
    assert_eq!(signed_in.code, 303, "{}", signed_in.text());
    first_pair(signed_in.header("set-cookie").expect("a session"))
}

fn first_pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// The value of the first hidden field of that name.
pub fn field(page: &str, name: &str) -> Option<String> {
    let at = page.find(&format!("name=\"{name}\""))?;
    let tag = &page[at..at + page[at..].find('>')?];
    let value = tag.split_once("value=\"")?.1;
    value.split('"').next().map(str::to_owned)
}
