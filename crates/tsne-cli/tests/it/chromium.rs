//! A headless Chromium, spoken to over the DevTools protocol: JSON messages that end in a zero byte, through two named
//! pipes. It judges what a page did: what it drew, said, downloaded, and whether it asked for anything.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Directory;

/// Longest wait for anything. On a busy machine without a graphics card, a million points take some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Set where a browser must be there, as in continuous integration.
const REQUIRED: &str = "TSNE_REQUIRE_BROWSER";

/// Size of the window in pixels.
pub(crate) const WINDOW: [u32; 2] = [1200, 800];
/// Width of the part where the map is; the rest is the panel.
pub(crate) const STAGE: usize = 908;

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    requests: File,
    messages: Receiver<Value>,
    /// Everything the browser has told without being asked.
    events: Vec<Value>,
    session: Option<String>,
    n_requests: u64,
    /// Profile, pipes, downloads.
    home: Directory,
    /// One browser at a time: two would fight for the processor.
    _turn: MutexGuard<'static, ()>,
}

/// A picture of the page, red, green and blue.
pub(crate) struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

/// Name of the browser, or none, which is said and allowed unless `TSNE_REQUIRE_BROWSER` is set.
fn program() -> Option<&'static str> {
    let runs = |name: &&str| {
        Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs);
    if found.is_none() {
        assert!(env::var_os(REQUIRED).is_none(), "{REQUIRED} is set and there is no chromium");
        // Past the capture of the test harness, so that it is seen.
        let line = "SKIPPED: no chromium here, the HTML viewer is not tested in a browser\n";
        io::stderr().write_all(line.as_bytes()).expect("standard error can be written");
    }
    found
}

impl Browser {
    /// Starts a browser with an empty page; `None` if there is none and none is required.
    pub(crate) fn start(flags: &[&str]) -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        let program = program()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let home = Directory::new();
        let pipes = ["requests", "answers"].map(|name| home.0.join(name));
        assert!(Command::new("mkfifo").args(&pipes).status().is_ok_and(|s| s.success()), "pipes are made");
        let child = Command::new("sh")
            .arg("-c")
            .arg("requests=$1; answers=$2; shift 2; exec \"$@\" 3<\"$requests\" 4>\"$answers\"")
            .arg("sh")
            .args(&pipes)
            .arg(program)
            .args(["--headless", "--no-sandbox", "--remote-debugging-pipe"])
            .args(["--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
            .args(["--disable-background-networking", "--disable-sync", "--disable-component-update"])
            .args(["--no-first-run", "--disable-quic", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", home.0.join("profile").display()))
            .args(flags)
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(File::create(home.0.join("log")).expect("the directory is writable"))
            .spawn()
            .expect("a shell runs");
        // The shell opens the ends in this order, before it becomes the browser; each waits for its other end.
        let requests = OpenOptions::new().write(true).open(&pipes[0]).expect("the pipe opens");
        let answers = File::open(&pipes[1]).expect("the pipe opens");
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = BufReader::new(answers);
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                message.pop();
                let parsed = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if sender.send(parsed).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            child,
            requests,
            messages,
            events: Vec::new(),
            session: None,
            n_requests: 0,
            home,
            _turn: turn,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attached);
        browser.session = Some(session["sessionId"].as_str().expect("a session has an id").to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let [width, height] = WINDOW;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", metrics);
        let downloads = json!({"behavior": "allow", "downloadPath": browser.home.0.join("downloads")});
        browser.call("Browser.setDownloadBehavior", downloads);
        Some(browser)
    }

    /// Asks the browser for something and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.n_requests += 1;
        let id = self.n_requests;
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.requests.write_all(&bytes).unwrap_or_else(|e| panic!("{method}: {e}; {}", self.log()));
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|e| panic!("{method}: no answer: {e}; {}", self.log()));
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.0.join("log")).unwrap_or_default()
    }

    /// Opens a file, at a place within it if `hash` is not empty.
    pub(crate) fn open(&mut self, file: &Path, hash: &str) {
        self.events.clear();
        // The same page at another place would not be loaded anew.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.call("Page.navigate", json!({"url": format!("file://{}{hash}", file.display())}));
    }

    /// Opens a map and waits until it is drawn.
    pub(crate) fn open_map(&mut self, file: &Path, hash: &str) {
        self.open(file, hash);
        self.wait_for("document.documentElement.dataset.state === 'drawn'");
        self.settle();
    }

    /// What an expression of JavaScript gives.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// The text an expression gives.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Waits until an expression is true. While the page changes, what it names may be missing.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        let guarded = format!("(() => {{ try {{ return {expression} }} catch {{ return false }} }})()");
        while self.eval(&guarded) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "{expression} does not come true; {:?}", self.complaints());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the map rests: its flights and its late full picture are over, and the address holds the view.
    pub(crate) fn settle(&mut self) {
        let frame = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => go(true))))";
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(400));
            self.eval(frame);
        }
    }

    fn dispatch(&mut self, kind: &str, [x, y]: [f64; 2], more: Value) {
        let mut params = json!({"type": kind, "x": x, "y": y});
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        self.call("Input.dispatchMouseEvent", params);
    }

    pub(crate) fn move_to(&mut self, at: [f64; 2]) {
        self.dispatch("mouseMoved", at, json!({"button": "none"}));
    }

    /// Clicks, `n` times in a row.
    pub(crate) fn click(&mut self, at: [f64; 2], n: u32) {
        self.move_to(at);
        for count in 1..=n {
            for kind in ["mousePressed", "mouseReleased"] {
                self.dispatch(kind, at, json!({"button": "left", "clickCount": count}));
            }
        }
    }

    /// Draws with the button held; `modifiers` is 8 for shift.
    pub(crate) fn drag(&mut self, path: &[[f64; 2]], modifiers: u32) {
        let held = |buttons: u32| json!({"button": "left", "buttons": buttons, "clickCount": 1, "modifiers": modifiers});
        self.move_to(path[0]);
        self.dispatch("mousePressed", path[0], held(1));
        for &at in &path[1..] {
            self.dispatch("mouseMoved", at, held(1));
        }
        self.dispatch("mouseReleased", path[path.len() - 1], held(0));
        self.settle();
    }

    /// Turns the wheel; negative is closer.
    pub(crate) fn wheel(&mut self, at: [f64; 2], by: f64) {
        self.dispatch("mouseWheel", at, json!({"deltaX": 0, "deltaY": by}));
        self.settle();
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.call("Input.dispatchKeyEvent", json!({"type": "keyDown", "key": key}));
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key}));
        self.settle();
    }

    /// Types into the element with the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
        self.settle();
    }

    /// The middle of the first element that a selector finds, which is scrolled to.
    pub(crate) fn place_of(&mut self, selector: &str) -> [f64; 2] {
        let script = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{ block: 'nearest' }}); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] }})()",
            json!(selector)
        );
        let place = self.eval(&script);
        [0, 1].map(|axis| place[axis].as_f64().unwrap_or_else(|| panic!("{selector} is nowhere")))
    }

    /// Clicks on the first element that a selector finds, `n` times in a row.
    pub(crate) fn press(&mut self, selector: &str, n: u32) {
        let at = self.place_of(selector);
        self.click(at, n);
        // Off it again: what lies under the pointer can be emphasized.
        self.move_to([2.0, 2.0]);
        self.settle();
    }

    pub(crate) fn screenshot(&mut self) -> Picture {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let encoded = answer["data"].as_str().expect("a picture");
        let decoder = png::Decoder::new(io::Cursor::new(STANDARD.decode(encoded).expect("base64")));
        let mut reader = decoder.read_info().expect("a PNG file");
        let mut buffer = vec![0; reader.output_buffer_size().expect("a small picture")];
        let info = reader.next_frame(&mut buffer).expect("a whole picture");
        let channels = info.color_type.samples();
        let pixels =
            buffer[..info.buffer_size()].chunks_exact(channels).map(|p| [p[0], p[1], p[2]]).collect();
        Picture { width: info.width as usize, pixels }
    }

    /// The downloaded file whose name ends so, once it is whole.
    pub(crate) fn download(&mut self, suffix: &str) -> Vec<u8> {
        let folder = self.home.0.join("downloads");
        let start = Instant::now();
        loop {
            // Chromium writes under another name and renames what is whole.
            let mut paths =
                fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
            if let Some(path) = paths.find(|path| path.to_string_lossy().ends_with(suffix)) {
                return fs::read(path).expect("the download can be read");
            }
            assert!(start.elapsed() < PATIENCE, "nothing that ends in {suffix} is downloaded");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Requests that left the page, other than for the file itself and for what is inside it.
    pub(crate) fn requests(&self) -> Vec<&str> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = asked.map(|event| event["params"]["request"]["url"].as_str().unwrap_or("?"));
        let inside = ["file:///", "data:", "blob:", "about:blank"];
        let mut documents = 0;
        urls.filter(|url| {
            documents += usize::from(url.starts_with("file:///"));
            documents > 1 || !inside.iter().any(|start| url.starts_with(start))
        })
        .collect()
    }

    /// Errors and warnings of scripts and of the page.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let complains = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        };
        self.events.iter().filter(complains).map(|event| event["params"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.requests.write_all(b"{\"id\": 0, \"method\": \"Browser.close\"}\0");
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Picture {
    /// Middle of the pixels of a color on the map, and how many there are.
    pub(crate) fn spot(&self, color: [u8; 3]) -> ([f64; 2], usize) {
        let is_on_map = |at: usize| at % self.width < STAGE;
        let found = self.pixels.iter().enumerate().filter(|&(at, pixel)| *pixel == color && is_on_map(at));
        let (mut sum, mut n) = ([0.0, 0.0], 0_usize);
        for (at, _) in found {
            sum = [sum[0] + (at % self.width) as f64 + 0.5, sum[1] + (at / self.width) as f64 + 0.5];
            n += 1;
        }
        (sum.map(|s| s / n as f64), n)
    }

    /// How many pixels have a color.
    pub(crate) fn count(&self, color: [u8; 3]) -> usize {
        self.spot(color).1
    }

    /// How many pixels of the map are no shade of gray.
    pub(crate) fn colored(&self) -> usize {
        let is_colored =
            |pixel: &&[u8; 3]| pixel.iter().max().zip(pixel.iter().min()).is_some_and(|(a, b)| a - b > 40);
        self.pixels.chunks(self.width).flat_map(|row| &row[..STAGE]).filter(is_colored).count()
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }
}
