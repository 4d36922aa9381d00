"use strict";

const at = (id) => document.getElementById(id);
const show = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text;
};
const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const percent = (share) => `${Math.round(100 * share)} %`;
const color = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

const actions = [...at("actions").children].map((item) => ({
  name: item.textContent.trim().split(" ")[0],
  height: Number(item.dataset.height),
  variable: item.dataset.color,
  share: item.querySelector("output"),
  swatch: item.querySelector(".swatch"),
}));
for (const action of actions) {
  action.swatch.style.background = `var(${action.variable})`;
  action.swatch.style.height = `${Math.max(0.12, 0.8 * action.height)}em`;
}

function drawStrip(recent) {
  const canvas = at("strip");
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(canvas.clientHeight * scale);
  const context = canvas.getContext("2d");
  const step = 6 * scale;
  const count = Math.min(recent.length, Math.floor(canvas.width / step));
  const colors = actions.map((action) => color(action.variable));
  recent.slice(recent.length - count).forEach((place, index) => {
    const height = Math.max(2 * scale, actions[place].height * (canvas.height - 8 * scale));
    context.fillStyle = colors[place];
    const left = canvas.width - (count - index) * step;
    context.fillRect(left, canvas.height - height - 4 * scale, step - scale, height);
  });
}

function showTop(top) {
  const list = at("top");
  while (list.children.length < top.length) {
    const item = document.createElement("li");
    item.append(document.createElement("span"), document.createElement("span"), document.createElement("meter"));
    list.append(item);
  }
  top.forEach(([label, score], place) => {
    const [name, share, meter] = list.children[place].children;
    name.textContent = label;
    share.textContent = percent(score);
    meter.value = score;
  });
}

let moving = false;

function showBudget(budget) {
  at("control").hidden = budget === null;
  if (budget === null) return;
  show("bias", number(budget.bias, 2));
  show("holding", budget.held === null ? "–" : budget.held.toPrecision(3));
  if (moving) return;
  const slider = at("budget");
  slider.min = budget.low;
  slider.max = budget.high;
  at("held").checked = budget.target !== null;
  slider.disabled = budget.target === null;
  slider.value = budget.target === null ? budget.high : budget.target;
  slider.dataset.unit = budget.unit;
  showTarget();
}

function showTarget() {
  const slider = at("budget");
  show("target", slider.disabled ? "none" : `${Number(slider.value).toPrecision(3)} ${slider.dataset.unit}`);
}

async function aim(target) {
  let problem = "";
  try {
    const answer = await fetch("/budget", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ target }),
    });
    const said = await answer.json();
    if (!answer.ok) problem = said.error;
  } catch (error) {
    problem = `the run does not answer: ${error.message}`;
  }
  show("problem", problem);
}

at("budget").addEventListener("input", () => {
  moving = true;
  showTarget();
});
at("budget").addEventListener("change", async () => {
  await aim(Number(at("budget").value));
  moving = false;
});
at("held").addEventListener("change", async () => {
  at("budget").disabled = !at("held").checked;
  await aim(at("held").checked ? Number(at("budget").value) : null);
});

const source = new EventSource("/events");
source.onmessage = (event) => {
  const now = JSON.parse(event.data);
  show("state", now.ended ? "the run has ended" : "live");
  if (now.ended) source.close();
  if (now.top) {
    show("label", now.top[0][0]);
    showTop(now.top);
    show("action", now.action);
    show("latency", number(now.latency_ms, 2));
    show("frame", `${now.frame}, ${number(now.time_s, 1)} s`);
  }
  show("fps", number(now.fps, 1));
  show("cost", now.cost === null ? "not measured" : `${number(now.cost, 2)} of the reference`);
  show("dropped", String(now.dropped));
  for (const action of actions) action.share.textContent = percent(now.shares[action.name]);
  drawStrip(now.recent);
  showBudget(now.budget);
};
source.onerror = () => show("state", "no connection to the run");
