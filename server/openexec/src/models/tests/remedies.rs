//! What a user is told to do: each refusal as the servers really put it, and each way in which
//! a certificate can be wrong, on real sockets.

use super::*;
use peer::{Answer, status};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;

/// One call to a server that answers this, with everything it could be asked again; how often
/// it was.
async fn refused(api: Api, code: u16, headers: &[(&str, &str)], body: &str) -> (ModelError, usize) {
    let answers: Vec<Answer> = (0..MODEL_ATTEMPTS_MAX).map(|_| status(code, headers, body)).collect();
    let peer = Peer::start(answers).await;
    let called = call(&*api.model(&peer.url, PATIENT), &request()).await;
    (called.error().clone(), peer.seen().len())
}

fn check(error: &ModelError, wanted: &[&str]) {
    let said = error.to_string();
    for wanted in wanted {
        assert!(said.contains(wanted), "{said}\nlacks {wanted:?}");
    }
}

/// Bodies as OpenAI, Anthropic, Gemini and Ollama put them.
fn body(api: Api, kind: &str, message: &str) -> String {
    match api {
        Api::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
        Api::Openai | Api::Responses => {
            json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": kind}})
        }
        Api::Gemini => json!({"error": {"code": 400, "message": message, "status": kind}}),
        Api::Ollama => json!({"error": message}),
    }
    .to_string()
}

#[tokio::test]
async fn a_wrong_key_is_named_by_its_variable() {
    for api in APIS {
        for code in [401, 403] {
            let (error, asked) = refused(api, code, &[], &body(api, "invalid_api_key", "no")).await;
            assert!(matches!(error, ModelError::Unauthorized { .. }), "{error}");
            check(&error, &["check the key in the environment variable `KEY`"]);
            assert_eq!(asked, 1);
        }
    }
    // Where none was sent, that is said.
    let peer = Peer::start([status(401, &[], "")]).await;
    let http =
        HttpModelConfig { model: "m".into(), base_url: Some(peer.url.clone()), ..HttpModelConfig::default() };
    let config = ModelConfig::OpenaiChat(http);
    let model = connect_with(
        &"m".into(),
        &config,
        &http_client(&NetworkConfig::default()).unwrap(),
        PATIENT,
        &|_| None,
    )
    .unwrap();
    check(call(&*model, &request()).await.error(), &["none was sent", "`key_env`"]);
}

#[tokio::test]
async fn an_account_without_credit_is_not_asked_again() {
    for (api, code, kind, message) in [
        (
            Api::Openai,
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        (Api::Responses, 429, "insufficient_quota", "You exceeded your current quota."),
        (
            Api::Anthropic,
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        (Api::Anthropic, 403, "billing_error", "There is an issue with billing."),
        (Api::Openai, 402, "", "Insufficient Balance"),
        (Api::Openai, 402, "402", "This request requires more credits, or fewer max_tokens."),
    ] {
        let (error, asked) = refused(api, code, &[("retry-after", "1")], &body(api, kind, message)).await;
        assert!(matches!(error, ModelError::Rejected { .. }), "{error}");
        check(&error, &["no credit left", "add some with the provider, or choose another model"]);
        assert_eq!(asked, 1);
    }
    // Gemini says the same words when it was only asked too often.
    let message = "You exceeded your current quota, please check your plan and billing details.";
    let (error, asked) =
        refused(Api::Gemini, 429, &[], &body(Api::Gemini, "RESOURCE_EXHAUSTED", message)).await;
    assert!(matches!(error, ModelError::RateLimited { .. }), "{error}");
    assert_eq!(asked, MODEL_ATTEMPTS_MAX);
}

#[tokio::test]
async fn a_model_that_does_not_exist() {
    for (api, kind, message) in [
        (Api::Openai, "model_not_found", "The model `gtp-5` does not exist or you do not have access to it."),
        (Api::Anthropic, "not_found_error", "model: cluade"),
        (Api::Gemini, "NOT_FOUND", "models/gemni is not found for API version v1beta"),
        (Api::Ollama, "", "model 'qwen9' not found, try pulling it first"),
    ] {
        for code in [404, 400] {
            if code == 400 && !matches!(api, Api::Openai | Api::Ollama) {
                continue;
            }
            let (error, asked) = refused(api, code, &[], &body(api, kind, message)).await;
            check(&error, &[message, "check `model` and `base_url`"]);
            assert_eq!(asked, 1);
        }
    }
}

#[tokio::test]
async fn a_model_without_tools_can_be_asked_for_documents() {
    for (api, code, message) in [
        (Api::Ollama, 400, "registry.ollama.ai/library/gemma:2b does not support tools"),
        (
            Api::Openai,
            400,
            "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        ),
        (Api::Openai, 500, "tools param requires --jinja flag"),
        (Api::Openai, 404, "No endpoints found that support tool use."),
        (Api::Gemini, 400, "Function calling is not enabled for models/gemma-3-1b-it"),
    ] {
        let (error, asked) = refused(api, code, &[], &body(api, "", message)).await;
        assert!(matches!(error, ModelError::Rejected { .. }), "{error}");
        check(&error, &["this model takes no tools: write `output: json_schema`"]);
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_server_without_schemas_is_named() {
    for (api, message) in [
        (Api::Anthropic, "output_config: Extra inputs are not permitted"),
        (
            Api::Openai,
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        ),
    ] {
        let (error, asked) = refused(api, 400, &[], &body(api, "invalid_request_error", message)).await;
        check(&error, &["takes no schema for its reply: remove `output: json_schema`"]);
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn a_request_that_is_too_long() {
    for (api, code, kind, message) in [
        (
            Api::Openai,
            400,
            "context_length_exceeded",
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        ),
        (Api::Anthropic, 400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        (
            Api::Gemini,
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        (Api::Openai, 400, "", "the request exceeds the available context size, try increasing it"),
    ] {
        let (error, asked) = refused(api, code, &[], &body(api, kind, message)).await;
        check(&error, &["longer than the model reads", "`window_tokens`", "`context_tokens`"]);
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn the_same_in_the_midst_of_a_stream() {
    let credit = json!({"type": "error", "error": {"type": "billing_error", "message": "said"}});
    let (error, asked) = Api::Anthropic.announced(sse(&[credit])).await;
    check(&error, &["no credit left"]);
    assert_eq!(asked, 1);
    let window = json!({"error": {"code": "context_length_exceeded", "message": "said"}});
    let (error, asked) = Api::Openai.announced(sse(&[window])).await;
    check(&error, &["`window_tokens`"]);
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_network_that_wants_a_login() {
    for api in APIS {
        let html = [("content-type", "text/html")];
        let (error, asked) = refused(api, 200, &html, "<html>Welcome to the hotel</html>").await;
        check(&error, &["`text/html`", "whether a login page stands in between"]);
        assert_eq!(asked, 1);
        let (error, asked) = refused(api, 511, &html, "<html>Welcome to the hotel</html>").await;
        assert!(matches!(error, ModelError::Unreachable { .. }), "{error}");
        check(&error, &["511", "log in to this network first: open any web page in a browser"]);
        assert_eq!(asked, 1);
        let away = [("location", "http://login.hotel.example/welcome")];
        let (error, asked) = refused(api, 302, &away, "").await;
        check(&error, &["`http://login.hotel.example/welcome`", "log in to this network in a browser"]);
        assert_eq!(asked, 1);
    }
}

/// How a certificate is.
#[derive(Clone, Copy, Debug)]
enum Certificate {
    Expired,
    NotYetValid,
    OfAnotherName,
    SignedByNobody,
    Good,
}

/// One call to a server with such a certificate, by a client that trusts its authority where
/// `SignedByNobody` does not say otherwise; and how many connections were tried.
async fn over_tls(certificate: Certificate) -> (Result<ModelReply, ModelError>, usize) {
    let client = http_client(&NetworkConfig::default()).unwrap();
    drop(client);
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let name = match certificate {
        Certificate::OfAnotherName => "hotel.example",
        _ => "127.0.0.1",
    };
    let mut own = CertificateParams::new(vec![name.to_owned()]).unwrap();
    match certificate {
        Certificate::Expired => own.not_after = rcgen::date_time_ymd(2020, 1, 1),
        Certificate::NotYetValid => own.not_before = rcgen::date_time_ymd(2090, 1, 1),
        Certificate::OfAnotherName | Certificate::SignedByNobody | Certificate::Good => {}
    }
    let key = KeyPair::generate().unwrap();
    let signed = own.signed_by(&key, &authority).unwrap();
    let chain = vec![signed.der().clone()];
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tried = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&tried);
    let serving = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            *counted.lock() += 1;
            if let Ok(stream) = acceptor.accept(socket).await {
                peer::say_once(stream, &Api::Openai.hello()).await;
            }
        }
    });
    let mut builder = reqwest::Client::builder().no_proxy();
    if !matches!(certificate, Certificate::SignedByNobody) {
        let trusted = reqwest::Certificate::from_der(authority.der()).unwrap();
        builder = builder.tls_certs_merge([trusted]);
    }
    let http = HttpModelConfig { model: "m".into(), base_url: Some(url), ..HttpModelConfig::default() };
    let config = ModelConfig::OpenaiChat(http);
    let model = connect_with(&"m".into(), &config, &builder.build().unwrap(), PATIENT, &|_| None).unwrap();
    let called = call(&*model, &request()).await;
    serving.abort();
    let tried = *tried.lock();
    (called.outcome, tried)
}

#[tokio::test]
async fn a_certificate_says_whether_the_clock_the_name_or_the_authority_is_wrong() {
    for (certificate, wanted) in [
        (Certificate::Expired, ["not valid at the time that this machine's clock shows, 2", "set the clock"]),
        (
            Certificate::NotYetValid,
            ["not valid at the time that this machine's clock shows, 2", "set the clock"],
        ),
        (Certificate::OfAnotherName, ["belongs to another name", "check `base_url`"]),
        (Certificate::SignedByNobody, ["nobody who is trusted here", "`network: {ca_file: FILE}`"]),
    ] {
        let (outcome, tried) = over_tls(certificate).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, ModelError::Unreachable { .. }), "{error}");
        check(&error, &wanted);
        assert_eq!(tried, 1, "{certificate:?}: asking again changes nothing");
    }
    assert_eq!(over_tls(Certificate::Good).await.0.unwrap().text, "hello");
}
