"use strict";
/* The playground's rooms. A room is a function that is given PnP and returns what it offers; a later room sees the
   earlier ones. The page runs each room at once. A worker is made of the same functions, as text: it needs no request, so
   the playground also runs where the book is opened as a folder, without any server. */
var PnP = {
  sources: [],
  room(name, make) {
    this.sources.push(`PnP.room(${JSON.stringify(name)}, ${make});`);
    this[name] = make(this);
  },
  /** A worker in which all rooms that stand so far are built, and whose messages `PnP[name].answer` gets. */
  worker(name) {
    const head = '"use strict"; const PnP = { room(name, make) { this[name] = make(this); } };';
    const tail = `onmessage = (event) => PnP[${JSON.stringify(name)}].answer(event.data, postMessage.bind(self));`;
    const url = URL.createObjectURL(new Blob([[head, ...this.sources, tail].join("\n")], { type: "text/javascript" }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    return worker;
  },
  /** Begin a page: make() builds it in the element `id`, unless the browser lacks what it needs. */
  start(id, make) {
    const needs = document.getElementById(`${id}-needs`);
    const lacking = ["Worker", "Blob", "PointerEvent", "structuredClone"].filter((name) => !(name in window));
    if (lacking.length) needs.textContent = `This browser has no ${lacking[0]}, which this page needs: use a current browser, please.`;
    else needs.remove(), make();
  },
};
