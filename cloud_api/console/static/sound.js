// The sound of alarms: a pattern for each priority, repeated while something waits, silenced until something new comes.
ms.sound = (() => {
  const PATTERNS = {
    critical: { tones: [988, 988, 988], every: 2500, length: 0.16 },
    high: { tones: [784, 587], every: 5000, length: 0.2 },
    medium: { tones: [587], every: 10000, length: 0.25 },
    low: { tones: [440], every: 30000, length: 0.25 },
  };
  const wanted = msPage.sound;
  let audio = null;
  let timer = null;
  let present = null;
  let silencedAt = sessionStorage.getItem("ms-silenced-at") || "";

  function play(priority) {
    const pattern = PATTERNS[priority];
    // A browser lets no page sound before somebody has touched it.
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    audio ??= new AudioContext();
    pattern.tones.forEach((tone, index) => {
      const oscillator = audio.createOscillator();
      const gain = audio.createGain();
      const start = audio.currentTime + index * (pattern.length + 0.06);
      oscillator.frequency.value = tone;
      gain.gain.setValueAtTime(0.0001, start);
      gain.gain.exponentialRampToValueAtTime(0.25, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + pattern.length);
      oscillator.connect(gain).connect(audio.destination);
      oscillator.start(start);
      oscillator.stop(start + pattern.length);
    });
  }

  function show(isRinging) {
    const button = document.getElementById("ms-silence");
    button?.classList.toggle("ms-ringing", isRinging);
    button?.setAttribute("aria-pressed", String(!isRinging));
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    show(false);
  }

  // `ring`: the loudest priority that waits, and when the newest came; null while nothing waits.
  function ring(next) {
    const before = present;
    present = next;
    if (!next) return stop();
    if (next.at <= silencedAt) return stop();
    const isNew = !before || next.at > before.at;
    const priority = silencedAt && before ? next.newest : next.loudest;
    if (!wanted[priority]) return stop();
    if (timer && !isNew && before.loudest === next.loudest) return;
    clearInterval(timer);
    show(true);
    play(priority);
    timer = setInterval(() => play(priority), PATTERNS[priority].every);
  }

  function silence() {
    silencedAt = present?.at || "";
    sessionStorage.setItem("ms-silenced-at", silencedAt);
    stop();
  }

  return { ring, silence, play };
})();
