// The event log: newest first, a bounded number of lines, repeats of the newest counted instead of added.

const most = 200;

export class Log {
  #list;
  #last = { text: '', count: 0, cell: null };

  constructor(list) { this.#list = list; }

  // kind is '', 'warn' or 'bad'.
  add(text, kind = '') {
    if (text === this.#last.text) {
      this.#last.count++;
      this.#last.cell.textContent = `${text} (${this.#last.count} times)`;
      return;
    }
    const time = document.createElement('time');
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = time.dateTime.slice(11, 23);
    const cell = document.createElement('span');
    cell.className = kind;
    cell.textContent = text;
    const line = document.createElement('li');
    line.append(time, cell);
    this.#list.prepend(line);
    while (this.#list.childElementCount > most) this.#list.lastElementChild.remove();
    this.#last = { text, count: 1, cell };
  }
}
