"""First-time hints: one sentence a screen, until it is put away with esc, then never again.  Settings shows them anew."""

from __future__ import annotations

TIPS: dict[str, str] = {
    "run": "enter tells the story of a disk, p shows its traffic, x explains messages; ? lists every key of where you are.",
    "plan": "enter tells the story of a disk; / filters this list as you type, and every other list, too.",
    "protocol": "move up to hold the traffic; each line is explained below. c and w narrow it to a channel or a word.",
    "tapes": "enter looks into a volume; what stands under Next is written next, and what to bring is named.",
    "holding": "what waits here is on no volume yet, or on too few; F writes it to volumes now.",
    "clients": "c asks one client whether it would work, a asks all of them; nothing is dumped by that.",
    "history": "enter shows that run in all the other screens, v its report; l leads back to the live one.",
    "restore": "enter goes into a disk, a date, a directory; space marks, R restores; : takes amrecover's words, too.",
    "settings": "enter or the right arrow changes a setting; it is kept at once and holds for your next console, too.",
    "dump": "the newest is at the top; enter explains a message that has a code, p shows all traffic around it.",
    "restores": "they go on without this console; K interrupts one, y copies its command, esc leads back.",
    "messages": "beside the list or below it is the page of the message; taperoom explain CODE prints it, too.",
}
