"""A labelled corpus for the privacy check, made from what these formats look like in the wild, seeded.

Every value is invented: numbers get their check digits here, by code that shares nothing with the detector;
secrets are random characters. `build(seed)` gives positives and hard negatives of every class, each in a sentence.
"""

# ruff: noqa: E501
from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PER_CLASS = 24
Make = Callable[[random.Random], Any]  # a value, or (text before, value, text after), or for negatives a whole text


@dataclass(frozen=True)
class Case:
    """`value` stands in `text` at `start`; a hard negative has no value and `kind` says what it resembles."""

    kind: str
    text: str
    value: str = ""
    start: int = -1

    @property
    def positive(self) -> bool:
        return self.start >= 0


def row(case: Case) -> dict[str, Any]:
    """A chat row with the text on the user's or the assistant's side, or inside a tool call's arguments."""
    side = sum(case.text.encode()) % 3
    if side == 2:
        call = {"name": "note", "arguments": json.dumps({"text": case.text}, ensure_ascii=False)}
        answer = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": call}]}
        result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
        return {"messages": [{"role": "user", "content": "Note this."}, answer, result, _say("assistant", "Noted.")]}
    pair = [("user", case.text), ("assistant", "Thanks.")] if side else [("user", "Go on."), ("assistant", case.text)]
    return {"messages": [_say(*turn) for turn in pair]}


def _say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def build(seed: int = 20) -> list[Case]:
    """All cases, the same for the same seed."""
    rng = random.Random(seed)
    cases: list[Case] = []
    for kind, (positives, negatives) in CLASSES.items():
        for i in range(PER_CLASS):
            cases.append(_positive(kind, positives[i % len(positives)], rng))
            made = negatives[i % len(negatives)]
            cases.append(Case(kind, made(rng) if callable(made) else made))
    return cases


def _positive(kind: str, make: Make, rng: random.Random) -> Case:
    made = make(rng)
    if isinstance(made, str):
        before, after = rng.choice(PLAIN)
        made = (before, made, after)
    before, value, after = made
    return Case(kind, before + value + after, value, len(before))


# ------------------------------------------------------------------ sentences and small makers
PLAIN = [
    ("Please use ", " for this."),
    ("Here it is: ", "\nThanks a lot!"),
    ("", ""),
    ("I wrote down ", ", is that right?"),
    ("Hola, es ", ". Gracias."),
    ("Hier ist es: ", ". Danke!"),
    ("Voici : ", ", merci."),
    ("Update the record (", ") please."),
    ('She said "', '" and left.'),
    ("- name: Ana\n- value: ", "\n- city: Porto"),
    ("| A | ", " | done |"),
    ("请看：", "，谢谢。"),
    ("Вот: ", ", спасибо."),
]


def said(*pairs: tuple[str, str]) -> Callable[[Callable[[random.Random], str]], Make]:
    """Put a value into one of these sentences of its own."""

    def around(make: Callable[[random.Random], str]) -> Make:
        def case(rng: random.Random) -> tuple[str, str, str]:
            before, after = rng.choice(pairs)
            return before, make(rng), after

        return case

    return around


def digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(n))


def chars(rng: random.Random, n: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(rng.choice(alphabet) for _ in range(n))


def shape(rng: random.Random, pattern: str) -> str:
    """`#` any digit, `N` 2 to 9, `A` a capital; everything else as it stands."""
    table = {"#": "0123456789", "N": "23456789", "A": string.ascii_uppercase}
    return "".join(rng.choice(table[c]) if c in table else c for c in pattern)


def shapes(*patterns: str) -> Callable[[random.Random], str]:
    return lambda rng: shape(rng, rng.choice(patterns))


def cut(text: str, *sizes: int, sep: str = " ") -> str:
    """The text in groups of these sizes."""
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return sep.join(p for p in [*parts, text[at:]] if p)


def luhn_digit(body: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(body)))
    return str(-total % 10)


def wrong_last(value: str) -> str:
    """The same with a wrong last digit."""
    return value[:-1] + str((int(value[-1]) + 3) % 10)


# ------------------------------------------------------------------ personal
NAMES = [
    "maria.lopez",
    "j.smith84",
    "anna_k",
    "peter.mueller",
    "o'brien.sean",
    "li.wei",
    "tomasz+news",
    "f-dupont",
    "k2",
]
HOSTS = ["gmail.com", "mail.company.co.uk", "uni-muenchen.de", "empresa.com.br", "sub.dept.health.gov.au", "orange.fr",
         "proton.me", "studio.photography", "firma.pl", "x.io"]  # fmt: skip


def email(rng: random.Random) -> str:
    made = f"{rng.choice(NAMES)}{rng.choice(['', '7', '99'])}@{rng.choice(HOSTS)}"
    return rng.choice([made, made, made.upper(), made.title()])


EMAIL = [
    email,
    said(("Mail me at <", ">."), ("From: Ana <", ">\nTo: all"), ("mailto:", "?subject=hi"), ("E-Mail:", ";"))(email),
    said(('{"contact": "', '", "age": 31}'), ("https://x.org/u?mail=", "&ok=1"), ("(", ")"), ("cc:", ","))(email),
    said(("联系我", "谢谢"), ("メールは", "です"), ("Escríbeme a ", "!"), ("write\nto\n", "\nnow"))(email),
]
NO_EMAIL = [
    "git clone git@github.com:acme/tools.git and run it.",
    "Write to user@example.com, or whatever your address is.",
    "Use your.name@example.org as a placeholder.",
    lambda r: f"npm install react-dom@{r.randint(1, 19)}.{r.randint(0, 9)}.2",
    lambda r: f"The icon is logo@{r.randint(2, 3)}x.png in assets.",
    "@app.route('/home') decorates the view.",
    "Ping @maria.lopez on the forum, she knows.",
    "The meeting is @ 5pm at the office. Be there.",
    "In Python, A @ B is the matrix product; a@b.T also works.",
    lambda r: f"{r.randint(2, 9)} apples @ {r.randint(1, 5)}.50 each",
    "A valid address has the form local@domain.",
    "uses: actions/checkout@v4.1.2",
    "ssh root@localhost and restart it",
    "pip install package@latest",
    "Contact name@example.net (fill in your own).",
    "scp file deploy@server:/var/www/",
]


def nanp(rng: random.Random) -> tuple[str, str, str]:
    return rng.choice(["212", "415", "312", "617", "404", "206"]), shape(rng, "N##"), digits(rng, 4)


def us_phone(rng: random.Random) -> str:
    a, b, c = nanp(rng)
    return rng.choice([f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}",
                       f"1-{a}-{b}-{c}", f"+1{a}{b}{c}", f"({a}){b}-{c}", f"+1 ({a}) {b}-{c}"])  # fmt: skip


def intl_phone(rng: random.Random) -> str:
    return shape(rng, rng.choice([
        "+44 20 7946 0###", "+44 (0)20 7946 0###", "+447700 900###", "+49 30 23125###", "+49 (0) 151 234 56###",
        "+49-89-1234###", "+33 6 12 34 5# ##", "+33 (0)1 42 68 5# ##", "0033 6 12 34 5# ##", "+34 612 34 5# ##",
        "+39 06 6982 ####", "+39 347 123 4###", "+31 6 1234 5###", "+41 44 668 18 ##", "+48 501 234 5##",
        "+46 70 123 45 ##", "+91 98765 43###", "+91-9876543###", "+86 138 1234 5###", "+81 90-1234-5###",
        "+82 10-1234-5###", "+55 11 91234-5###", "+61 412 345 6##", "+7 912 345-67-##", "+52 55 1234 5###",
        "+27 82 123 4###", "+971 50 123 4###", "+90 532 123 45 ##", "+353 87 123 4###", "00 44 7700 900###",
        "+4915123456###", "+33612345###", "+65 8123 4###",
    ]))  # fmt: skip


def national_phone(rng: random.Random) -> str:
    return shape(rng, rng.choice([
        "020 7946 0###", "07700 900###", "(020) 7946 0###", "0161 496 0###", "06 12 34 5# 1#", "06.12.34.50.1#",
        "030 23125###", "0151 23456###", "089/12345##", "(030) 231 25 ##", "03-1234-5###", "090-1234-5###",
        "010-1234-5###", "0412 345 6##", "(02) 9876 5###", "079 123 45 ##", "070-123 45 ##", "06-12345###",
        "(11) 91234-5###", "0470 12 34 ##", "8 (912) 345-67-##", "0532 123 45 ##", "054-123-4###", "98765 43###",
        "138 1234 5###", "138-1234-5###",
    ]))  # fmt: skip


def bare_phone(rng: random.Random) -> str:
    return shape(rng, rng.choice(["138123456##", "98765432##", "07700900###", "212736####", "415736####", "0612345###",
                                  "015123456###", "0412345###"]))  # fmt: skip


CALL = said(("My phone number is ", "."), ("Call me on ", " after six"), ("Tel: ", ""), ("WhatsApp ", " please"),
            ("Mobile: ", "\n"), ("Handy: ", "."), ("手机号：", "。"), ("Ruf mich an, Tel. ", "!"))  # fmt: skip
PHONE = [
    us_phone,
    intl_phone,
    national_phone,
    CALL(bare_phone),
    CALL(intl_phone),
    lambda r: ("Tel. ", us_phone(r), f" ext. {r.randint(10, 999)}"),
    said(("Mi teléfono es el ", ", gracias"), ("Llámame al móvil ", "."))(
        shapes("612 34 5# ##", "612 345 6##", "61234####")
    ),
    said(("Mon téléphone : ", "."), ("Appelez-moi au ", " ce soir"))(shapes("06 12 34 5# 1#", "01.42.68.5#.1#")),
    said(("Mój telefon: ", "."), ("Telefon ", ""))(shapes("501 234 5##", "601-234-5##")),
    said(("Call ", " for a table."), ("phone: ", ""))(shapes("N36-####")),
    said(("call (", ") now"), ("tel:", ";ext=2"), ('"phone": "', '"'))(shapes("+1-212-736-####", "+44-20-7946-0###")),
    said(("Ring tlf. ", "."), ("Mobil: ", ""))(shapes("20 12 3# ##", "2212 34##")),
]
NO_PHONE = [
    lambda r: f"Order number {digits(r, 10)} has shipped.",
    lambda r: f"The log was written at {1_600_000_000 + r.randint(0, 99_999_999)}.",
    lambda r: f"Tom has {r.randint(100, 999)} apples, {r.randint(100, 999)} pears and {r.randint(1000, 9999)} nuts.",
    lambda r: f"{r.randint(100, 999)}-{r.randint(100, 999)}={r.randint(1000, 9999)}? Check: 900-250-125=525.",
    lambda r: f"On 2024-0{r.randint(1, 9)}-1{r.randint(0, 9)} 10:{r.randint(10, 59)}:22 it rained.",
    lambda r: f"Von 0{r.randint(1, 9)}.1{r.randint(0, 2)}.2021 bis 31.12.2023.",
    lambda r: f"ISBN 978-0-306-4061{r.randint(0, 9)}-7 and ISBN 0-306-40615-{r.randint(0, 9)}.",
    lambda r: f"pi is 3.14159265{digits(r, 8)}…",
    lambda r: f"Invoice 2023-{digits(r, 4)}-{digits(r, 4)} is overdue.",
    lambda r: f"{r.randint(2, 9)} {digits(r, 3)} {digits(r, 3)} people live there.",
    lambda r: f"It cost $1,{r.randint(100, 999)},{r.randint(100, 999)}.00 in 2019-2020.",
    lambda r: f"Windows 10.0.{r.randint(10000, 22000)}.{r.randint(1000, 4000)} is installed.",
    lambda r: f"uuid {chars(r, 8, '0123456789')}-{digits(r, 4)}-4{digits(r, 3)}-8{digits(r, 3)}-{digits(r, 12)}",
    lambda r: f"ZIP 02139-{digits(r, 4)}, tracking 1Z{digits(r, 16)}.",
    lambda r: f"Numbers drawn: 03 12 19 2{r.randint(0, 9)} 41 and 07.",
    lambda r: f"x = 1234567{digits(r, 3)} * 2; y = 0.{digits(r, 10)}",
    lambda r: f"sha1 {chars(r, 40, '0123456789abcdef')}",
    lambda r: f"Part no. 415-736-{digits(r, 4)}, serial {digits(r, 11)}",
    lambda r: f"2 + 2 = 4, 100 - 50 - 25 - 12 - {r.randint(1, 9)} = 4, 1000 - 200 - 300 = 500",
    lambda r: f"Ticket #{digits(r, 9)} and case {digits(r, 10)} are closed.",
]

US_STREETS = ["Maple Street", "N Oak Ave", "Martin Luther King Jr Blvd", "5th Avenue", "Sunset Blvd.", "W 34th St",
              "Willow Creek Road", "County Line Rd", "Elm Court", "Lakeview Dr."]  # fmt: skip
US_CITIES = ["Springfield, IL", "New York, NY", "San Francisco, CA", "Austin, TX", "St. Louis, MO", "Salt Lake City UT"]
UK_STREETS = [
    "Baker Street",
    "High Street",
    "Church Lane",
    "Abbey Road",
    "Victoria Gardens",
    "Mill Close",
    "Park Crescent",
]
UK_CITIES = ["London", "Manchester", "Leeds", "Bristol", "Glasgow"]


def us_address(rng: random.Random) -> str:
    unit = rng.choice(
        ["", "", f", Apt {rng.randint(1, 40)}B", f" Suite {rng.randint(100, 900)}", f", Unit {rng.randint(1, 9)}"]
    )
    plus = rng.choice(["", f"-{digits(rng, 4)}"])
    line = rng.choice([", ", "\n"])
    return f"{rng.randint(1, 9999)} {rng.choice(US_STREETS)}{unit}{line}{rng.choice(US_CITIES)} {shape(rng, 'N####')}{plus}"


def uk_address(rng: random.Random) -> str:
    code = rng.choice(["NW1 ", "SW1A ", "M1 ", "LS2 ", "EC1V ", "B33 "]) + digits(rng, 1) + chars(rng, 2, "ABDEFGHJLN")
    flat = rng.choice(["", f"Flat {rng.randint(1, 30)}, "])
    house = f"{rng.randint(1, 300)}{rng.choice(['', '', 'A', 'B'])}"
    city = rng.choice(
        [
            f", {rng.choice(UK_CITIES)} {code}",
            f", {rng.choice(UK_CITIES)}, {code}",
            f"\n{rng.choice(UK_CITIES)}\n{code}",
        ]
    )
    return f"{flat}{house} {rng.choice(UK_STREETS)}{city}"


ADDRESS = [
    us_address,
    uk_address,
    said(("Ship it to ", ", USA."), ("I live at ", "."), ("Address:\n", "\nUnited States"))(us_address),
    said(("We moved to ", " last May."), ("Anschrift: ", ""))(uk_address),
    lambda r: f"{r.randint(1, 250)}B Baker Street, London NW1",
]
NO_ADDRESS = [
    lambda r: f"{r.randint(20, 400)} people walked down Main Street in Springfield.",
    "Turn left onto Church Lane, then take the second right.",
    lambda r: f"Wall Street fell {r.randint(100, 900)} points in New York yesterday.",
    lambda r: f"Sesame Street, season {r.randint(2, 50)}, was filmed in New York.",
    lambda r: f"There are {r.randint(3, 90)} roads to Rome and {r.randint(3, 90)} lanes in London.",
    "Enter your street address, city, state and ZIP code below.",
    lambda r: f"She ran {r.randint(2, 20)} miles along Sunset Boulevard.",
    lambda r: f"MA {shape(r, 'N####')} is a postcode in Massachusetts.",
    "10 Downing Street is famous all over the world.",
    lambda r: f"In {r.randint(1950, 2020)} Ford Drive became a park.",
    lambda r: f"{r.randint(2, 9)} St. Bernards and {r.randint(11, 99)} cats.",
    lambda r: f"Chapter {r.randint(2, 30)} Place names, London {r.randint(1850, 1999)}",
    lambda r: f"def drive(road=Road({r.randint(10, 99)}), city='Paris'): ...",
    lambda r: f"Highway {r.randint(10, 99)} runs past Lake Drive towards Austin.",
]

# ------------------------------------------------------------------ network


def ipv4(rng: random.Random) -> str:
    first = rng.choice([rng.randint(20, 126), rng.randint(128, 191), 10, 192, 203])
    second = 168 if first == 192 else rng.randint(1, 250)
    return f"{first}.{second}.{rng.randint(0, 255)}.{rng.randint(2, 254)}"


IPV4 = [
    ipv4,
    said(("Login from ", " at noon"), ("ping ", ""), ("http://", ":8080/index"), ("[", "]"))(ipv4),
    said(("client ", ' - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.1" 200'), ("ssh root@", ""), ('"ip":"', '"'))(
        ipv4
    ),
    said(("La IP es ", "."), ("IP-Adresse ", ";"), ("host=", " port=5432"), ("地址", "已封"))(ipv4),
]
NO_IPV4 = [
    lambda r: f"Upgrade to version 1.{r.randint(0, 9)}.3.{r.randint(1, 9)} today.",
    lambda r: f"v{r.randint(1, 20)}.{r.randint(0, 99)}.12.{r.randint(0, 99)}",
    lambda r: f"Chrome/1{r.randint(10, 30)}.0.{r.randint(4000, 6999)}.{r.randint(10, 200)} Safari/537.36",
    "The server listens on 127.0.0.1 and 0.0.0.0 only.",
    "Netmask 255.255.255.0, broadcast 255.255.255.255.",
    lambda r: f"See section 4.{r.randint(1, 9)}.2.{r.randint(1, 9)} of the manual.",
    lambda r: f"Not an address: 256.{r.randint(1, 99)}.300.1 or 1.2.3",
    lambda r: f"OID 1.3.6.1.4.1.{r.randint(100, 9999)}.2.1",
    lambda r: f"firmware 12.{r.randint(1, 99)}.5.{r.randint(1, 99)} fixes it",
    lambda r: f"$1.234.567.{r.randint(100, 999)},00 is a lot",
    lambda r: f"requests=={r.randint(1, 3)}.{r.randint(0, 31)}.0.{r.randint(1, 3)}",
    lambda r: f"Build 10.0.{r.randint(100, 200)}.{r.randint(1, 200)} (release candidate)",
    "Route 10.0.0.0/8 to the tunnel.",
    lambda r: f"On 12.05.20{r.randint(10, 24)} at 10.30 we met.",
]


def ipv6(rng: random.Random) -> str:
    groups = [f"{rng.randint(0x2001, 0x2FFF):x}", *(f"{rng.randint(1, 0xFFFF):x}" for _ in range(7))]
    full = ":".join(groups)
    return rng.choice([full, full.upper(), ":".join(groups[:3]) + "::" + groups[6], f"fe80::{':'.join(groups[4:])}",
                       f"2001:db8::{groups[3]}", f"{groups[0]}:{groups[1]}::{groups[2]}:{groups[4]}"])  # fmt: skip


IPV6 = [
    ipv6,
    said(("http://[", "]:8080/"), ("ping6 ", ""), ("from ", ", port 22"), ("addr=", ";"))(ipv6),
    said(("inet6 ", "/64 scope global"), ("Die Adresse ", " antwortet."), ("AAAA ", ""))(ipv6),
]
NO_IPV6 = [
    lambda r: f"It started at 12:{r.randint(10, 59)}:45 and ended at 13:05:10.",
    lambda r: "MAC " + ":".join(chars(r, 2, "0123456789abcdef") for _ in range(6)),
    "std::vector<int> v; std::map<a, b>::iterator it;",
    "x[1::2] takes every second one, x[::-1] turns it round.",
    "The loopback is ::1 and the wildcard is ::.",
    lambda r: f"Genesis 1:{r.randint(1, 31)}, John 3:16, ratio 1:2:{r.randint(3, 9)}",
    lambda r: "Fingerprint " + ":".join(chars(r, 2, "0123456789ABCDEF") for _ in range(16)),
    "use Foo::Bar::Baz; Face::Add(dead::beef);",
    lambda r: f"arn:aws:iam::{digits(r, 12)}:role/admin",
    lambda r: f"SELECT a::int, b::{r.choice(['text', 'date'])} FROM t",
    lambda r: f"1:2:3:4:5:6:7 has seven groups, 00:{r.randint(10, 59)}:00:01 is a frame",
    lambda r: f"10:{r.randint(10, 59)}::note",
]

# ------------------------------------------------------------------ financial
IBANS = {"DE": "#" * 18, "FR": "#" * 10 + "AA#########" + "##", "GB": "AAAA" + "#" * 14, "ES": "#" * 20, "NL": "AAAA" + "#" * 10,
         "IT": "A" + "#" * 22, "CH": "#" * 17, "AT": "#" * 16, "BE": "#" * 12, "PL": "#" * 24, "NO": "#" * 11, "SE": "#" * 20,
         "MT": "AAAA" + "#" * 5 + "A" * 18, "SA": "#" * 20, "PT": "#" * 21}  # fmt: skip


def iban_plain(rng: random.Random) -> str:
    country = rng.choice(sorted(IBANS))
    body = shape(rng, IBANS[country])
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    return f"{country}{98 - number % 97:02d}{body}"


def iban(rng: random.Random) -> str:
    made = iban_plain(rng)
    spaced = " ".join(made[i : i + 4] for i in range(0, len(made), 4))
    return rng.choice(
        [made, spaced, spaced, made.lower(), spaced.lower(), spaced.replace(" ", "-"), spaced.replace(" ", "\u00a0")]
    )


IBAN = [
    iban,
    said(("Transfer it to ", " before Friday"), ("IBAN: ", ""), ("IBAN ", " BIC COBADEFF"), ("Konto ", ", danke"))(
        iban
    ),
    said(("Mon compte est ", "."), ("cuenta:", ";"), ("Rekening ", " op naam van Jan"), ("IBAN=", "&x=1"))(iban),
]
NO_IBAN = [
    lambda r: "IBAN " + (lambda i: i[:2] + f"{(int(i[2:4]) + 7) % 97:02d}" + i[4:])(iban_plain(r)),
    lambda r: "Ref " + shape(r, "ZZ## #### #### #### ####"),
    lambda r: f"Serial {shape(r, 'AA##AAAA####AA')}",
    lambda r: "commit " + chars(r, 40, "0123456789abcdef"),
    lambda r: "IBAN DE" + digits(r, 2) + " 1234",
    "An IBAN has two letters, two check digits and up to 30 characters, e.g. GBkk BBBB SSSS SSCC CCCC CC.",
    lambda r: f"Flight {shape(r, 'AA## to AAA')} and room B12 3456 789",
    lambda r: f"Container {shape(r, 'AAAU#######')} is at gate {shape(r, 'A##')}",
    lambda r: "VAT DE" + digits(r, 9),
    lambda r: "XS" + digits(r, 10) + " is a bond (ISIN).",
]
CARDS = ["4###############", "4###############", "51##############", "55##############", "2221############", "34#############",
         "37#############", "6011############", "3528############", "36############"]  # fmt: skip


def card_plain(rng: random.Random) -> str:
    body = shape(rng, rng.choice(CARDS))[:-1]
    return body + luhn_digit(body)


def card(rng: random.Random) -> str:
    made = card_plain(rng)
    groups = (4, 4, 4, 4) if len(made) == 16 else (4, 6, 5) if len(made) == 15 else (4, 6, 4)
    return rng.choice([made, cut(made, *groups), cut(made, *groups, sep="-")])


CARD = [
    card,
    said(("My card is ", " exp 04/27 cvv 123"), ("Visa ", ""), ("Kreditkarte: ", ", danke"), ("card no: ", "."))(card),
    said(("tarjeta ", " vence 05/28"), ("Charge it to ", ", please"), ('{"pan":"', '"}'), ("卡号", "。"))(card),
]
NO_CARD = [
    lambda r: f"Card {wrong_last(card_plain(r))} was declined as mistyped.",
    lambda r: f"Order 9{digits(r, 15)} shipped",
    lambda r: f"Tracking number {'9400'}{digits(r, 18)}",
    lambda r: f"timestamp {1_600_000_000_000_000 + r.randint(0, 10**14)} in µs",
    lambda r: f"order {card_plain(r)} is on its way",
    lambda r: "IMEI 35" + digits(r, 13),
    lambda r: "1234 5678 9012 345" + str(r.randint(0, 5)),
    lambda r: f"{r.randint(1, 9)}{digits(r, 24)} is a big number",
    lambda r: f"0.4{digits(r, 15)} is the ratio",
    lambda r: f"uuid {chars(r, 8, '0123456789abcdef')}-4111-4111-8111-{chars(r, 12, '0123456789abcdef')}",
    "Enter the card as 4xxx xxxx xxxx xxxx or ****-****-****-1234.",
    lambda r: f"ISBN 97803064{digits(r, 5)} and EAN 40063813339{r.randint(10, 99)}",
    lambda r: f"Matrix row: 4111 5222 6333 74{r.randint(10, 99)} 85{r.randint(10, 99)} 96{r.randint(10, 99)}",
]


# ------------------------------------------------------------------ government ids
def ssn_parts(rng: random.Random) -> tuple[str, str, str]:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}"


US_SSN = [
    lambda r: "-".join(ssn_parts(r)),
    said(("SSN: ", ""), ("My social security number is ", "."), ("ssn=", "&"), ("social security no. ", ", ok"))(
        lambda r: r.choice(["-", " ", ""]).join(ssn_parts(r))
    ),
    said(("The patient, ", ", was admitted."), ("taxpayer ", " filed late"))(lambda r: "-".join(ssn_parts(r))),
]
NO_US_SSN = [
    lambda r: f"000-{shape(r, '##-####')}",
    lambda r: f"666-{shape(r, '##-####')}",
    lambda r: f"SSN 219-00-{digits(r, 4)}",
    lambda r: f"SSN {digits(r, 3)}-12-0000",
    lambda r: f"The part is {shape(r, '###-##-#####')}.",
    lambda r: f"Room {shape(r, '###-##')}, ext {digits(r, 4)}",
    lambda r: f"SKU 9{shape(r, '##-01-####')}",
    lambda r: f"Population: {shape(r, 'N## ### ###')}",
    lambda r: f"Dates 2020-12-{r.randint(10, 28)} and 120-20-100",
    lambda r: f"order {digits(r, 9)}",
    lambda r: f"1{shape(r, '###-##-####')}",
    lambda r: f"{shape(r, '###-##-####')}-01 is the lot",
    "An SSN has the form XXX-XX-XXXX.",
]
US_ITIN = [
    lambda r: f"9{digits(r, 2)}-{r.choice(['70', '78', '88', '90', '92', '94', '99', '50', '65'])}-{digits(r, 4)}",
    said(("ITIN: ", "."), ("My taxpayer identification number (ITIN) is ", ""))(
        lambda r: r.choice(["-", " ", ""]).join([f"9{digits(r, 2)}", r.choice(["71", "80", "95"]), digits(r, 4)])
    ),
]
NO_US_ITIN = [
    lambda r: f"9{digits(r, 2)}-{r.choice(['93', '89', '66', '69', '01', '49'])}-{digits(r, 4)}",
    lambda r: f"order 9{digits(r, 2)}70{digits(r, 4)}",
    lambda r: f"9{digits(r, 2)}-70-{digits(r, 5)}",
    lambda r: f"lot 9{digits(r, 2)}-7-{digits(r, 4)}",
    lambda r: f"part number 9{digits(r, 2)} 80 {digits(r, 3)}",
    lambda r: f"We sold 9{digits(r, 2)} 80 cm boards",
]


def nino(rng: random.Random) -> str:
    prefix = rng.choice(["AB", "CE", "JG", "NP", "SW", "LY", "PX", "WM", "HJ"])
    made = prefix + digits(rng, 6) + rng.choice("ABCD")
    return rng.choice([made, cut(made, 2, 2, 2, 2, 1), cut(made, 2, 6, 1)])


UK_NINO = [
    nino,
    said(("NI number: ", "."), ("My National Insurance number is ", ""), ("NINO ", ", born 1980"))(
        lambda r: r.choice([str.upper, str.lower])(nino(r))
    ),
]
NO_UK_NINO = [
    lambda r: r.choice(["BG", "GB", "NK", "ZZ", "QQ", "DA", "AO", "FY"]) + digits(r, 6) + "A",
    lambda r: f"AB{digits(r, 6)}{r.choice('EFGZ')}",
    lambda r: f"AB{digits(r, 7)}C",
    lambda r: f"Colour #ab{digits(r, 4)}, model XAB{digits(r, 6)}C",
    lambda r: f"Flight AB {digits(r, 4)} C at gate 12",
    lambda r: f"plate AB{digits(r, 2)} CDE",
    lambda r: f"postcode AB1{r.randint(0, 9)} {r.randint(1, 9)}CD",
    lambda r: chars(r, 32, "0123456789abcdef"),
]


def nhs_plain(rng: random.Random, right: bool = True) -> str:
    while True:
        body = digits(rng, 9)
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11
        check = 0 if check == 11 else check
        if check < 10 and body[0] in "4567":
            return body + str(check if right else (check + 4) % 10)


UK_NHS = [
    said(("NHS number: ", "."), ("NHS no ", ", seen today"), ("Patient's NHS Number is ", ""), ("nhs_number=", ";"))(
        lambda r: r.choice([lambda v: v, lambda v: cut(v, 3, 3, 4), lambda v: cut(v, 3, 3, 4, sep="-")])(nhs_plain(r))
    ),
]
NO_UK_NHS = [
    lambda r: f"NHS number {nhs_plain(r, False)}",
    lambda r: f"NHS number {cut(nhs_plain(r, False), 3, 3, 4)} is mistyped",
    lambda r: f"The NHS spent £{digits(r, 2)},{digits(r, 3)},{digits(r, 3)} on it",
    lambda r: f"invoice {nhs_plain(r)}",
    lambda r: f"The NHS was founded in 1948 and treats {shape(r, 'N')} million people; item {digits(r, 7)}.",
    lambda r: f"order {nhs_plain(r)} is late",
]


def steuer_plain(rng: random.Random, right: bool = True) -> str:
    pool = rng.sample("0123456789", 9)
    body = [*pool, rng.choice(pool)]
    rng.shuffle(body)
    if body[0] == "0" or any(body[i] == body[i + 1] == body[i + 2] for i in range(8)):
        return steuer_plain(rng, right)
    product = 10
    for d in body:
        total = (int(d) + product) % 10 or 10
        product = total * 2 % 11
    check = (11 - product) % 10
    return "".join(body) + str(check if right else (check + 5) % 10)


DE_STEUER = [
    said(
        ("Steuer-ID: ", "."),
        ("Meine Steueridentifikationsnummer lautet ", ""),
        ("IdNr. ", ","),
        ("Tax ID (Germany): ", ""),
    )(lambda r: r.choice([lambda v: v, lambda v: cut(v, 2, 3, 3, 3)])(steuer_plain(r))),
    lambda r: cut(steuer_plain(r), 2, 3, 3, 3),
]
NO_DE_STEUER = [
    lambda r: f"Steuer-ID {steuer_plain(r, False)} ist falsch",
    lambda r: f"Bestellnummer {steuer_plain(r)}",
    lambda r: f"{shape(r, 'NN')} {digits(r, 3)} {digits(r, 3)} 000 Euro",
    lambda r: f"Steuernummer {shape(r, '##/###/#####')}",
    lambda r: f"Steuer-ID 0{digits(r, 10)}",
    lambda r: f"Steuer-ID {digits(r, 12)}",
]


def nir(rng: random.Random, right: bool = True) -> str:
    department = rng.choice(["75", "13", "69", "2A", "2B", "99", "33"])
    body = f"{rng.choice('12')}{digits(rng, 2)}{rng.randint(1, 12):02d}{department}{rng.randint(1, 900):03d}{rng.randint(1, 990):03d}"
    number = int(body.replace("2A", "19").replace("2B", "18"))
    key = 97 - number % 97
    made = f"{body}{key if right else key % 97 + 1:02d}"
    return rng.choice([made, cut(made, 1, 2, 2, 2, 3, 3, 2)])


FR_NIR = [
    nir,
    said(("Numéro de sécurité sociale : ", "."), ("NIR ", ""), ("n° sécu ", ", merci"))(nir),
]
NO_FR_NIR = [
    lambda r: f"NIR {nir(r, False)}",
    lambda r: f"commande 3{digits(r, 14)}",
    lambda r: f"1{digits(r, 2)}13{digits(r, 3)}000{digits(r, 4)}00",
    lambda r: f"µs: 1{digits(r, 15)}",
    lambda r: f"Le total est de 1 {digits(r, 3)} {digits(r, 3)} {digits(r, 3)} euros",
]
DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def dni(rng: random.Random, right: bool = True) -> str:
    number = rng.randint(1_000_000, 99_999_999)
    letter = DNI_LETTERS[(number + (0 if right else 5)) % 23]
    text = f"{number:08d}"
    return rng.choice(
        [f"{text}{letter}", f"{text}-{letter}", f"{text} {letter}", f"{text[:2]}.{text[2:5]}.{text[5:]}-{letter}"]
    )


def nie(rng: random.Random, right: bool = True) -> str:
    first, number = rng.randint(0, 2), digits(rng, 7)
    letter = DNI_LETTERS[(int(f"{first}{number}") + (0 if right else 3)) % 23]
    return rng.choice([f"{'XYZ'[first]}{number}{letter}", f"{'XYZ'[first]}-{number}-{letter}"])


ES_DNI = [
    dni,
    nie,
    said(("DNI: ", "."), ("mi DNI es ", ""), ("con NIF ", ", mayor de edad"))(
        lambda r: r.choice([str.lower, str])(dni(r))
    ),
    said(("NIE ", "."), ("Mi NIE es el ", ""))(nie),
]
NO_ES_DNI = [
    lambda r: f"DNI {dni(r, False)}",
    lambda r: f"NIE {nie(r, False)}",
    lambda r: f"size {digits(r, 8)}I",
    lambda r: f"model X{digits(r, 8)}A",
    lambda r: f"hash {chars(r, 24, '0123456789abcdef')}",
    lambda r: f"In 20240101T{digits(r, 6)} format",
    lambda r: f"pedido {dni(r, False).replace('.', '')}",
]
CF_ODD = dict(zip(string.digits + string.ascii_uppercase, [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19,
              21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23], strict=True))  # fmt: skip


def codice(rng: random.Random, right: bool = True) -> str:
    day = rng.randint(1, 31) + rng.choice([0, 40])
    body = f"{shape(rng, 'AAAAAA')}{digits(rng, 2)}{rng.choice('ABCDEHLMPRST')}{day:02d}{rng.choice('ABCDEFGHIL')}{digits(rng, 3)}"
    total = sum(CF_ODD[c] if i % 2 == 0 else int(c, 36) - (10 if c.isalpha() else 0) for i, c in enumerate(body))
    return body + string.ascii_uppercase[(total + (0 if right else 4)) % 26]


IT_CF = [
    codice,
    said(("Codice fiscale: ", "."), ("CF ", ""), ("il mio codice è ", ", grazie"))(
        lambda r: r.choice([str, str.lower, lambda v: cut(v, 3, 3, 5, 5)])(codice(r))
    ),
]
NO_IT_CF = [
    lambda r: f"CF {codice(r, False)}",
    lambda r: f"serial {shape(r, 'AAAAAA##AA##A###')}",
    lambda r: chars(r, 16, string.ascii_uppercase + string.digits) + "-" + digits(r, 4),
    lambda r: codice(r) + "99",
    lambda r: "key " + chars(r, 40, string.ascii_uppercase + string.digits),
]


def bsn(rng: random.Random, right: bool = True) -> str:
    while True:
        body = shape(rng, "N#######")
        check = sum(int(d) * (9 - i) for i, d in enumerate(body)) % 11
        if check < 10:
            return body + str(check if right else (check + 3) % 10)


NL_BSN = [
    said(("BSN: ", "."), ("Mijn burgerservicenummer is ", ""), ("BSN-nummer ", ", geboren 1980"), ("bsn=", "&"))(
        lambda r: r.choice([lambda v: v, lambda v: cut(v, 3, 3, 3), lambda v: cut(v, 4, 2, 3, sep=".")])(bsn(r))
    ),
]
NO_NL_BSN = [
    lambda r: f"BSN {bsn(r, False)}",
    lambda r: f"Bestelling {bsn(r)}",
    lambda r: f"{bsn(r)} euro",
    lambda r: f"BSN {digits(r, 10)}",
    lambda r: f"KvK {digits(r, 8)}, factuur {bsn(r)}",
]
V_D = [[(a + b) % 5 if a < 5 and b < 5 else (a + b) % 5 + 5 if a < 5 else (a - b) % 5 + 5 if b < 5 else (a - b) % 5
        for b in range(10)] for a in range(10)]  # fmt: skip
V_P = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(body: str) -> str:
    state = 0
    for i, d in enumerate(reversed(body)):
        digit = int(d)
        for _ in range((i + 1) % 8):
            digit = V_P[digit]
        state = V_D[state][digit]
    return str(next(n for n in range(10) if V_D[state][n] == 0))


def aadhaar(rng: random.Random, right: bool = True) -> str:
    body = shape(rng, "N##########")
    check = verhoeff(body)
    return body + (check if right else str((int(check) + 1) % 10))


AADHAAR = [
    lambda r: cut(aadhaar(r), 4, 4, 4),
    said(("Aadhaar: ", "."), ("My Aadhaar number is ", ""), ("UIDAI ", ","), ("आधार संख्या ", " है"))(
        lambda r: r.choice([lambda v: v, lambda v: cut(v, 4, 4, 4), lambda v: cut(v, 4, 4, 4, sep="-")])(aadhaar(r))
    ),
]
NO_AADHAAR = [
    lambda r: f"Aadhaar {aadhaar(r, False)}",
    lambda r: f"Aadhaar {cut(aadhaar(r, False), 4, 4, 4)}",
    lambda r: f"1{digits(r, 3)} {digits(r, 4)} {digits(r, 4)}",
    lambda r: f"order {aadhaar(r)}",
    lambda r: f"id={1_600_000_000_000 + r.randint(0, 10**10)}",
    lambda r: f"The years {r.randint(2000, 2009)} {r.randint(2010, 2019)} {r.randint(2020, 2024)} 2030 2040",
]


def cpf(rng: random.Random, right: bool = True) -> str:
    body = digits(rng, 9)
    for n in (10, 11):
        body += str(sum(int(d) * (n - i) for i, d in enumerate(body)) * 10 % 11 % 10)
    return body if right else wrong_last(body)


def dotted_cpf(v: str) -> str:
    return f"{v[:3]}.{v[3:6]}.{v[6:9]}-{v[9:]}"


BR_CPF = [
    lambda r: dotted_cpf(cpf(r)),
    said(("CPF: ", "."), ("meu CPF é ", ""), ("CPF nº ", ", RG 12"), ("cpf=", "&"))(
        lambda r: r.choice([str, dotted_cpf])(cpf(r))
    ),
]
NO_BR_CPF = [
    lambda r: f"CPF {dotted_cpf(cpf(r, False))}",
    lambda r: f"CPF {str(r.randint(0, 9)) * 11}",
    lambda r: f"pedido {cpf(r)}",
    lambda r: f"CNPJ {shape(r, '##.###.###/0001-##')}",
    lambda r: f"R$ {shape(r, 'N##.###.###')},{digits(r, 2)}",
    lambda r: f"protocolo {digits(r, 12)}",
]


def pesel(rng: random.Random, right: bool = True) -> str:
    month = rng.randint(1, 12) + rng.choice([0, 0, 20])
    body = f"{digits(rng, 2)}{month:02d}{rng.randint(1, 28):02d}{digits(rng, 4)}"
    check = -sum(int(d) * w for d, w in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True)) % 10
    return body + str(check if right else (check + 1) % 10)


PESEL = [
    said(("PESEL: ", "."), ("mój PESEL to ", ""), ("nr PESEL ", ", ur. 1980"), ("pesel=", ";"))(pesel),
    said(("Numer osoby: ", "."), ("Pacjent ", " przyjęty"))(pesel),
]
NO_PESEL = [
    lambda r: f"PESEL {pesel(r, False)}",
    lambda r: f"zamówienie {pesel(r)}",
    lambda r: f"PESEL {digits(r, 2)}99{digits(r, 7)}",
    lambda r: f"PESEL {pesel(r)}7",
    lambda r: f"{pesel(r)}.50 zł",
    lambda r: f"faktura nr {pesel(r)}",
]


def personnummer(rng: random.Random, right: bool = True) -> str:
    body = f"{digits(rng, 2)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{digits(rng, 3)}"
    made = body + luhn_digit(body)
    made = made if right else wrong_last(made)
    return rng.choice(["", rng.choice(["19", "20"])]) + made[:6] + rng.choice("--+") + made[6:]


PERSONNUMMER = [
    personnummer,
    said(("Personnummer: ", "."), ("mitt personnummer är ", ""), ("pnr ", ", tack"))(
        lambda r: r.choice([lambda v: v, lambda v: v.replace("-", "").replace("+", "")])(personnummer(r))
    ),
]
NO_PERSONNUMMER = [
    lambda r: f"personnummer {personnummer(r, False)}",
    lambda r: f"{digits(r, 2)}13{digits(r, 2)}-{digits(r, 4)}",
    lambda r: f"{digits(r, 4)}99-{digits(r, 4)}",
    lambda r: f"the backup 202301{r.randint(10, 28)}-12{r.randint(10, 59)} is fine (bak-{digits(r, 3)}-1)",
    lambda r: f"order {personnummer(r, False)}",
    lambda r: f"851231-{digits(r, 5)}",
]

# ------------------------------------------------------------------ secrets
B64 = string.ascii_letters + string.digits
URLSAFE = B64 + "-_"
CODE = [
    ("```bash\nexport KEY=", "\n```"),
    ("", ""),
    ("TOKEN=", "\nDEBUG=1"),
    ('{"key": "', '"}'),
    ("I pasted ", " by mistake"),
    ("curl -H 'Authorization: Bearer ", "' https://api"),
    ("client = Client('", "')"),
    ("key: ", ", ok?"),
    ("Mein Schlüssel ist ", "."),
    ("密钥是", "，别外传"),
    ("# .env\nX_KEY=", ""),
]
coded = said(*CODE)


def hidden(*made: str) -> list[Any]:
    """Placeholders that stand where a secret of this shape would."""
    return [
        lambda r, m=m: r.choice(["Set {} first.", "export KEY={}", 'key = "{}"', "Your key looks like {}"]).format(m)
        for m in made
    ]


SECRETS: dict[str, tuple[list[Any], list[Any]]] = {
    "aws_access_key": (
        [coded(lambda r: r.choice(["AKIA", "ASIA"]) + chars(r, 16, string.ascii_uppercase + "234567"))],
        [*hidden("AKIAIOSFODNN7EXAMPLE", "AKIAXXXXXXXXXXXXXXXX", "AKIA****************", "AKIA..."),
         lambda r: "AKIA" + chars(r, 12, string.ascii_uppercase), lambda r: "XAKIA" + chars(r, 16, string.ascii_uppercase),
         lambda r: "AKIA" + chars(r, 16, string.ascii_lowercase), lambda r: "arn:aws:iam::" + digits(r, 12) + ":user/akia"],
    ),
    "aws_secret_key": (
        [said(("aws_secret_access_key = ", ""), ("AWS_SECRET_ACCESS_KEY=", "\n"), ('"SecretAccessKey": "', '"'),
              ("export AWS_SECRET_ACCESS_KEY='", "'"))(lambda r: chars(r, 40, B64 + "/+")),
         lambda r: ("aws_secret_access_key: ", chars(r, 39, B64 + "/+") + "Z", "\nregion: eu")],
        [*hidden("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}",
         "aws_secret_access_key = <your secret key here>", "aws_secret_access_key=" + "x" * 40,
         lambda r: "The secret access key has 40 characters; sha1 " + chars(r, 40, "0123456789abcdef"),
         lambda r: "blob " + chars(r, 40), "AWS_SECRET_ACCESS_KEY=os.environ['AWS_SECRET_ACCESS_KEY']"],
    ),
    "github_token": (
        [coded(lambda r: r.choice(["ghp_", "gho_", "ghs_", "ghu_", "ghr_"]) + chars(r, 36)),
         coded(lambda r: "github_pat_" + chars(r, 22) + "_" + chars(r, 59)),
         said(("git clone https://x-access-token:", "@github.com/a/b.git"))(lambda r: "ghs_" + chars(r, 36))],
        [*hidden("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_YOUR_TOKEN", "github_pat_...", "ghp_" + "0" * 36),
         lambda r: "ghp_" + chars(r, 20), lambda r: "def ghp_parse_the_token_from_the_header_now(): ...",
         lambda r: "ghx_" + chars(r, 36), "github_pattern_matching_is_a_module"],
    ),
    "gitlab_token": (
        [coded(lambda r: "glpat-" + chars(r, 20, URLSAFE[:-2]))],
        [*hidden("glpat-xxxxxxxxxxxxxxxxxxxx", "glpat-YOUR_TOKEN_GOES_HERE", "glpat-<token>", "glpat-********************"),
         lambda r: "glpat-" + chars(r, 9), "the glpat prefix marks a personal access token", "glpath-to-the-file-system-root"],
    ),
    "slack_token": (
        [coded(lambda r: f"xoxb-{digits(r, 12)}-{digits(r, 12)}-{chars(r, 24)}"),
         coded(lambda r: f"xoxp-{digits(r, 11)}-{digits(r, 11)}-{digits(r, 12)}-{chars(r, 32, '0123456789abcdef')}"),
         coded(lambda r: f"xapp-1-A0{chars(r, 9, string.ascii_uppercase + string.digits)}-{digits(r, 13)}-{chars(r, 64, '0123456789abcdef')}")],
        [*hidden("xoxb-your-token-here", "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx", "xoxb-...", "xapp-1-..."),
         "xoxo from all of us", lambda r: f"foxb-{digits(r, 12)}-{chars(r, 24)}", "tokens start with xoxb- or xoxp-"],
    ),
    "slack_webhook": (
        [coded(lambda r: f"https://hooks.slack.com/services/T{chars(r, 9, string.ascii_uppercase + string.digits)}/B{chars(r, 9, string.ascii_uppercase + string.digits)}/{chars(r, 24)}")],
        [*hidden("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
                 "https://hooks.slack.com/services/...", "https://hooks.slack.com/services/YOUR/WEBHOOK/URL"),
         "see https://api.slack.com/messaging/webhooks", lambda r: f"https://slack.com/services/T{digits(r, 8)}/B{digits(r, 8)}/x"],
    ),
    "openai_key": (
        [coded(lambda r: "sk-" + chars(r, 20) + "T3BlbkFJ" + chars(r, 20)), coded(lambda r: "sk-proj-" + chars(r, 48, URLSAFE[:-2] + "_")),
         coded(lambda r: "sk-" + chars(r, 48)), coded(lambda r: "sk-svcacct-" + chars(r, 60))],
        [*hidden("sk-xxxx", "sk-" + "x" * 48, "sk-YOUR_API_KEY", "sk-...", "sk-proj-your-key-here", "sk-<your key>"),
         "the sk-learn-pipeline-for-text-classification-with-grid-search", lambda r: "task-" + chars(r, 30, string.ascii_lowercase),
         lambda r: f"disk-{digits(r, 24)}", "risk-adjusted-returns-for-the-whole-portfolio-in-2023"],
    ),
    "anthropic_key": (
        [coded(lambda r: f"sk-ant-api03-{chars(r, 93, URLSAFE[:-2] + '_')}AA"), coded(lambda r: f"sk-ant-admin01-{chars(r, 90)}")],
        [*hidden("sk-ant-...", "sk-ant-api03-" + "x" * 60, "sk-ant-YOUR-KEY", "sk-ant-api03-<key>", "sk-ant-********"),
         "sk-ant keys start with sk-ant-api03-", "the desk-ant-farm-in-the-corner-of-the-room-is-alive"],
    ),
    "google_key": (
        [coded(lambda r: "AIza" + chars(r, 35, B64)), coded(lambda r: "AIzaSy" + chars(r, 32, URLSAFE[:-2]) + "_")],
        [*hidden("AIza...", "AIza" + "X" * 35, "AIzaSyYOUR_API_KEY_GOES_HERE_0000000000", "AIzaSy" + "*" * 33),
         lambda r: "AIza" + chars(r, 12), lambda r: "ZAIza" + chars(r, 40)],
    ),
    "stripe_key": (
        [coded(lambda r: r.choice(["sk_live_", "rk_live_"]) + chars(r, r.choice([24, 99])))],
        [*hidden("sk_live_xxxxxxxxxxxxxxxxxxxxxxxx", "sk_live_YOUR_KEY", "sk_live_...", "rk_live_<key>"),
         lambda r: "pk_live_" + chars(r, 24), "mask_live_preview_is_a_function_name", lambda r: "sk_live_" + chars(r, 4)],
    ),
    "huggingface_token": (
        [coded(lambda r: "hf_" + chars(r, 34, string.ascii_letters))],
        [*hidden("hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "hf_YOUR_TOKEN", "hf_...", "hf_********"),
         "hf_hub_download(repo_id='a/b', filename='c')", "from x import hf_transformer_model_configuration_loader_v2",
         lambda r: "shelf_" + chars(r, 34, string.ascii_letters)],
    ),
    "npm_token": (
        [coded(lambda r: "npm_" + chars(r, 36)), said(("//registry.npmjs.org/:_authToken=", "\n"))(lambda r: "npm_" + chars(r, 36))],
        [*hidden("npm_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "npm_YOUR_TOKEN", "npm_...", "${NPM_TOKEN}"),
         "npm_config_registry and npm_package_version are variables", lambda r: "npm_" + chars(r, 10),
         "npm_lifecycle_event_handler_for_the_install_script"],
    ),
    "pypi_token": (
        [coded(lambda r: "pypi-AgEIcHlwaS5vcmc" + chars(r, 140, URLSAFE[:-2] + "_"))],
        [*hidden("pypi-xxxxxxxx", "pypi-AgEIcHlwaS5vcmc...", "pypi-YOUR-TOKEN", "pypi-<token>", "pypi-AgEIcHlwaS5vcmc" + "x" * 80),
         "pypi-server is a minimal package index", "see pypi-publish in actions", lambda r: "pypi-" + chars(r, 12)],
    ),
    "sendgrid_key": (
        [coded(lambda r: f"SG.{chars(r, 22, URLSAFE[:-2] + '_')}.{chars(r, 43, B64)}")],
        [*hidden("SG.xxxxxx.yyyyyy", "SG.YOUR_API_KEY", "SG." + "x" * 22 + "." + "x" * 43, "SG...."),
         "MSG.length.toString()", lambda r: f"SG.{chars(r, 8)}.{chars(r, 8)}", "the SG. stands for Singapore."],
    ),
    "twilio_key": (
        [coded(lambda r: "SK" + chars(r, 32, "0123456789abcdef"))],
        [*hidden("SKxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "SK" + "0" * 32, "SK********************************"),
         lambda r: "SKU" + digits(r, 10), lambda r: "md5 " + chars(r, 32, "0123456789abcdef"),
         lambda r: "TASK" + chars(r, 32, "0123456789abcdef"), lambda r: "SK" + chars(r, 40, "0123456789abcdef")],
    ),
    "azure_key": (
        [said(("conn = \"", "\""), ("AZURE_STORAGE_CONNECTION_STRING=", "\n"), ("", ""))(
            lambda r: f"DefaultEndpointsProtocol=https;AccountName={chars(r, 10, string.ascii_lowercase)};AccountKey={chars(r, 86)}==;EndpointSuffix=core.windows.net")],
        [*hidden("DefaultEndpointsProtocol=https;AccountName=<name>;AccountKey=<key>;EndpointSuffix=core.windows.net",
                 "DefaultEndpointsProtocol=https;AccountName=myaccount;AccountKey=...", "AccountKey=YOUR_KEY"),
         "UseDevelopmentStorage=true", "the AccountName=x part names the account",
         "DefaultEndpointsProtocol=https;AccountName=n;AccountKey=" + "x" * 86 + "==;EndpointSuffix=core.windows.net"],
    ),
}  # fmt: skip


def pem(rng: random.Random, kind: str) -> str:
    lines = "\n".join(chars(rng, 64, B64 + "/+") for _ in range(rng.randint(3, 8)))
    return f"-----BEGIN {kind}-----\n{lines}\n{chars(rng, 30)}==\n-----END {kind}-----"


PEM = [
    lambda r: pem(
        r,
        r.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]),
    ),
    lambda r: ('PRIVATE_KEY="', pem(r, "RSA PRIVATE KEY").replace("\n", "\\n"), '"'),
    lambda r: ("```\n", pem(r, "PGP PRIVATE KEY BLOCK"), "\n```"),
]
NO_PEM = [
    lambda r: pem(r, "PUBLIC KEY"),
    lambda r: pem(r, "CERTIFICATE"),
    lambda r: pem(r, "RSA PUBLIC KEY"),
    lambda r: pem(r, "CERTIFICATE REQUEST"),
    "The file starts with -----BEGIN RSA PRIVATE KEY----- and ends with -----END RSA PRIVATE KEY-----.",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n<your key here>\n-----END PRIVATE KEY-----",
    "Keep your private key private. ----- BEGIN of the story -----",
    lambda r: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + chars(r, 43) + " me@laptop",
]


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(rng: random.Random) -> str:
    header = b64url(
        json.dumps({"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}, separators=(",", ":")).encode()
    )
    claims = b64url(json.dumps({"sub": digits(rng, 8), "iat": rng.randint(10**9, 2 * 10**9)}).encode())
    return f"{header}.{claims}.{b64url(rng.randbytes(32))}"


JWT = [
    coded(jwt),
    said(
        ("Authorization: Bearer ", "\r\nAccept: */*"), ("token=", "; Path=/"), ("https://x.io/?jwt=", "&a=1"), ("", "")
    )(jwt),
]
NO_JWT = [
    "A JWT has the form xxxxx.yyyyy.zzzzz, header.payload.signature.",
    lambda r: f"{b64url(b'not json at all, sorry')}.{b64url(b'neither is this one')}.{chars(r, 43)}",
    lambda r: b64url(json.dumps({"name": chars(r, 8), "n": 1}).encode()),
    lambda r: f"eyJ{chars(r, 30)}",
    "eyJhbGciOi... is how it begins",
    lambda r: (
        f"{b64url(json.dumps({'kind': 'cursor'}).encode())}.{b64url(json.dumps({'p': r.randint(1, 9)}).encode())}.{chars(r, 20)}"
    ),
    "module.exports.handler",
    lambda r: f"data:application/json;base64,{b64url(json.dumps({'a': digits(r, 20)}).encode())}",
]


def strong(rng: random.Random) -> str:
    made = [
        rng.choice(string.ascii_lowercase),
        rng.choice(string.ascii_uppercase),
        rng.choice(string.digits),
        rng.choice("!#%&*+-_"),
    ]
    made += list(chars(rng, rng.randint(6, 12)))
    rng.shuffle(made)
    return "Q" + "".join(made) + "7"


PASSWORD = [
    said(('password = "', '"'), ("password: ", ""), ('"password": "', '", "user": "ana"'), ("DB_PASSWORD=", "\nPORT=1"),
         ("passwd='", "'"), ("pwd=", ";"), ("My password is: ", ""), ("Passwort: ", "\n"), ("contraseña: ", " (no la compartas)"))(strong),
    said(("api_key: ", ""), ('API_KEY="', '"'), ("apikey=", "&page=2"), ('"api-key": "', '"'), ("X-Api-Key: ", "\n"))(
        lambda r: chars(r, r.choice([24, 32, 40]))),
    said(('client_secret = "', '"'), ("SECRET_KEY='", "'"), ("access_token=", "&x=y"), ('auth_token: "', '"'),
         ('"secret": "', '"'))(lambda r: chars(r, r.choice([20, 32]), B64 + "_")),
    said(("password=", " login ok"), ("passphrase: ", ""))(
        lambda r: r.choice(["hunter", "Sommer", "liverpool", "tigger"]) + r.choice(["2!", "2019!", "#77x", "_83"])),
]  # fmt: skip
NO_PASSWORD = [
    'password = "YOUR_PASSWORD"',
    "password: ********",
    "api_key: YOUR_API_KEY",
    'api_key = os.environ["API_KEY"]',
    "password = getpass.getpass()",
    "const token = process.env.TOKEN;",
    "Your password must be at least 8 characters long.",
    "password: changeme",
    'PASSWORD="${DB_PASSWORD}"',
    "password = input('Password: ')",
    "I forgot my password: what now?",
    "secret: {{ vault.secret_value }}",
    lambda r: f"max_tokens: {r.choice([256, 1024, 4096])}, token_count={r.randint(100, 9999)}",
    "The secret = hard work and patience.",
    'api_key = "<insert key here>"',
    "password=None, token=null, secret=undefined",
    "def login(user: str, password: str) -> Token: ...",
    "tokens: ['hello', 'world']",
    'password_field = driver.find_element(By.ID, "password")',
    "secret_key=config.get('secret_key')",
    "if password == stored_password: return True",
    'api_key="xxxxxxxxxxxxxxxxxxxxxxxx"',
    "token = tokenizer.decode(ids[0])",
    "password: string;\n  token: string | null;",
]
USERS = ["admin", "app_user", "svc", "maria", "root"]


def db_url(rng: random.Random) -> str:
    scheme = rng.choice(
        [
            "postgresql",
            "postgres",
            "mysql",
            "mongodb+srv",
            "mongodb",
            "redis",
            "amqp",
            "postgresql+psycopg2",
            "mysql+pymysql",
        ]
    )
    user = "" if scheme == "redis" else rng.choice(USERS)
    host = rng.choice(
        ["db.internal:5432", "10.0.3.7:3306", "cluster0.ab1cd.mongodb.net", "prod-db.eu-west-1.rds.amazonaws.com"]
    )
    return f"{scheme}://{user}:{chars(rng, rng.randint(10, 18), B64 + '-_!')}@{host}"


DB_URL = [
    said(("DATABASE_URL=", "/app\n"), ("engine = create_engine('", "/prod')"), ("Connect with ", "/main please"),
         ("`", "/x?sslmode=require`"), ("url: ", ""))(db_url),
]  # fmt: skip
NO_DB_URL = [
    "postgresql://user:password@localhost:5432/dbname",
    "postgres://postgres:postgres@localhost/test",
    "mysql://<user>:<password>@<host>/<db>",
    "postgresql://${USER}:${PASSWORD}@${HOST}/app",
    "redis://localhost:6379/0",
    lambda r: f"postgresql://db{r.randint(1, 9)}.internal:5432/app",
    "mongodb://username:password@host:27017",
    "sqlite:////tmp/test.db",
    "jdbc:postgresql://localhost:5432/db",
    "mysql://root:***@db.internal/app",
    "mongodb+srv://{user}:{password}@cluster0.mongodb.net",
    "mysql://maria@db.internal/app",
]
BASIC_URL = [
    said(
        ("curl ", "/status"),
        ("git remote add o ", "/repo.git"),
        ("Open ", " now"),
        ("<a href='", "/'>x</a>"),
        ("proxy=", ""),
    )(
        lambda r: (
            f"{r.choice(['https', 'http', 'ftp'])}://{r.choice(USERS)}:{chars(r, r.randint(9, 20), B64 + '-_!$')}@{r.choice(['jenkins.acme.io', 'git.firma.de', '10.1.2.3:8080', 'proxy.corp.net:3128'])}"
        )
    ),
]
NO_BASIC_URL = [
    "https://user:password@host.com/path",
    "https://username:pass@example.com",
    "http://<user>:<pass>@server/",
    lambda r: f"https://host.io:{r.randint(8000, 9000)}/@maria/post",
    "https://medium.com/@author/a-title-of-a-story",
    "https://{user}:{token}@github.com/x/y",
    "http://user:***@proxy:3128",
    "https://$USER:$PASS@registry.acme.io",
    lambda r: f"https://maps.example.net/place/@48.1{digits(r, 4)},11.5{digits(r, 4)},15z",
    "time 12:30@office, see http://x.org:80",
    "https://x.org/a:b@c",
]

CLASSES: dict[str, tuple[list[Any], list[Any]]] = {
    "email": (EMAIL, NO_EMAIL),
    "phone": (PHONE, NO_PHONE),
    "address": (ADDRESS, NO_ADDRESS),
    "ipv4": (IPV4, NO_IPV4),
    "ipv6": (IPV6, NO_IPV6),
    "iban": (IBAN, NO_IBAN),
    "card": (CARD, NO_CARD),
    "us_ssn": (US_SSN, NO_US_SSN),
    "us_itin": (US_ITIN, NO_US_ITIN),
    "uk_nino": (UK_NINO, NO_UK_NINO),
    "uk_nhs": (UK_NHS, NO_UK_NHS),
    "de_steuer_id": (DE_STEUER, NO_DE_STEUER),
    "fr_nir": (FR_NIR, NO_FR_NIR),
    "es_dni": (ES_DNI, NO_ES_DNI),
    "it_codice_fiscale": (IT_CF, NO_IT_CF),
    "nl_bsn": (NL_BSN, NO_NL_BSN),
    "in_aadhaar": (AADHAAR, NO_AADHAAR),
    "br_cpf": (BR_CPF, NO_BR_CPF),
    "pl_pesel": (PESEL, NO_PESEL),
    "se_personnummer": (PERSONNUMMER, NO_PERSONNUMMER),
    **SECRETS,
    "private_key": (PEM, NO_PEM),
    "jwt": (JWT, NO_JWT),
    "password": (PASSWORD, NO_PASSWORD),
    "database_url": (DB_URL, NO_DB_URL),
    "basic_auth_url": (BASIC_URL, NO_BASIC_URL),
}
