"""The form of a tunnel: what is typed, what it comes to, and what is wrong with it."""

from typing import Any

import pytest
from textual.app import App
from textual.events import Paste
from textual.widgets import Input, RadioSet, Select, Static, TextArea

from sshdash.paths import styles_dir
from sshdash.tunnels.kept.rule import Meanwhile, Probe, ProbeKind, Rule, Start
from sshdash.tunnels.spec import Kind, parse_forward
from sshdash.ui.rule_draft import RuleAnswer, RuleDraft
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.forward_form import ForwardForm
from sshdash.ui.theme import DARK, THEMES
from sshdash.ui.widgets.ticks import Tick
from tests.ui.files_app import until
from tests.ui.tunnel_stage import METRICS, ORDERS


class FormApp(App[None]):
    """The form alone."""

    def __init__(self, host: str = "db-1", rule: Rule | None = None) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        draft = RuleDraft.of(rule.host, rule.forwards, rule) if rule else None
        self.form = ForwardForm(host, ["db-1", "web"], draft, kept=rule is not None)
        self.answers: list[RuleAnswer | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.form, self.answers.append)

    def field(self, name: str) -> Input:
        return self.form.query_one(f"#{name}", Input)

    def shown(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def set(self, field: str, value: str) -> None:
        self.field(field).value = value

    def result(self) -> str:
        return str(self.form.query_one(".forward-result", Static).render())

    @property
    def answer(self) -> RuleAnswer:
        (answer,) = self.answers
        assert answer is not None
        return answer


async def test_the_form_answers_a_local_forward() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press(*"5432", "tab", *"db:5432")
        await until(pilot, lambda: "ssh -N -L 5432:db:5432 db-1" in app.result())
        assert "connect to localhost:5432 reach db:5432 as db-1 sees it" in app.result()
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    answer = app.answer
    assert [str(one) for one in answer.forwards] == ["5432:db:5432"]
    assert (answer.host, answer.rule, answer.keep, answer.start) == ("db-1", None, False, True)


async def test_what_only_others_know_is_told_in_the_form_and_nothing_typed_is_lost() -> None:
    app = FormApp()
    taken = "There is a rule db already"
    app.form._check_answer = lambda answer: (
        taken if answer.rule is not None and answer.rule.name == "db" else ""
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"5432", "tab", *"db:5432", "tab", *"db", "enter")
        await until(pilot, lambda: app.result() == taken)
        assert not app.answers
        assert app.screen is app.form
        assert app.field("name").has_focus
        assert taken in app.shown()
        await pilot.press("2")
        await until(pilot, lambda: "ssh -N -L" in app.result())
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answer.rule is not None
    assert app.answer.rule.name == "db2"


async def test_the_form_names_what_is_wrong() -> None:
    app = FormApp(host="")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Name a host" in app.result())
        app.set("host", "web")
        await until(pilot, lambda: "listen" in app.result())
        app.set("host", "-oProxyCommand=evil")
        app.set("listen", "80")
        app.set("target", "80")
        await until(pilot, lambda: "-oProxyCommand" in app.result())
        app.set("host", "web")
        app.set("listen", "99999")
        await until(pilot, lambda: "the listening port 99999 is not" in app.result())
        app.field("listen").focus()
        await pilot.press("enter")
        assert not app.answers
        app.set("listen", "*:8080")
        await until(pilot, lambda: "other machines" in app.result())
        app.set("target", "web:port")
        await until(pilot, lambda: "'port' is not a port" in app.result())
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.form)
        assert not app.answers
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: app.answers == [None])


@pytest.mark.parametrize("rule", [None, ORDERS, METRICS])
async def test_a_form_in_which_nothing_was_typed_goes_without_a_word(rule: Rule | None) -> None:
    app = FormApp(rule=rule)
    async with app.run_test() as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: app.answers == [None])


async def test_the_form_takes_a_whole_option_in_one_field() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.field("listen").post_message(Paste("-R 127.0.0.1:5432:[::1]:5433"))
        await until(pilot, lambda: "-R 127.0.0.1:5432:[::1]:5433 db-1" in app.result())
        assert app.field("listen").value == "127.0.0.1:5432"
        assert app.field("target").value == "[::1]:5433"
        assert app.form.query_one(RadioSet).pressed_index == 1
        app.set("target", "")
        app.set("listen", "9000:db:5432")
        await until(pilot, lambda: "-R 9000:db:5432" in app.result())
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answer.forwards[0].target_host == "db"


async def test_a_proxy_needs_no_target() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press("shift+tab", "shift+tab", "down", "down", "space")
        app.set("listen", "1080")
        await until(pilot, lambda: "ssh -N -D 1080 db-1" in app.result())
        assert "SOCKS or HTTP proxy connect from db-1" in app.result()
        assert app.field("target").disabled


async def test_a_port_alone_is_one_of_the_host_itself() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.set("listen", "8080")
        app.set("target", "80")
        await until(pilot, lambda: "-L 8080:localhost:80 db-1" in app.result())


async def test_the_rest_is_shown_and_hidden_in_words_that_fit() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "More ▸" in app.shown() and "ctrl+o more" in app.shown())
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Less ▾" in app.shown() and "ctrl+o less" in app.shown())
        for name, words in (("opens", "with its host"), ("probe", "PostgreSQL")):
            select = app.form.query_one(f"#{name}", Select)
            options = [str(label) for label, _ in select._options]
            assert words in options
            room = select.query_one("SelectCurrent #label").content_size.width
            assert max(map(len, options)) <= room, "none of them is cut off"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "More ▸" in app.shown() and "ctrl+o more" in app.shown())


async def test_a_rule_is_kept_with_everything_behind_more() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.set("listen", "8080")
        app.set("target", "web:80")
        await until(pilot, lambda: app.field("name").placeholder == "db-1-web-80")
        assert not app.form.query_one(".forward-more").display
        await pilot.press("ctrl+o")
        assert app.field("note").has_focus
        app.set("note", "the shop")
        app.set("tags", "#prod, shop")
        app.set("group", "shops")
        app.set("interval", "often")
        await until(pilot, lambda: "'often'" in app.result())
        app.set("interval", "30")
        selects: dict[str, Any] = {
            "colour": "cyan",
            "opens": Start.HOST,
            "probe": ProbeKind.HTTP,
        }
        for name, value in selects.items():
            app.form.query_one(f"#{name}", Select).value = value
        await until(pilot, lambda: app.form.query_one("#path-row").display)
        app.set("path", "/health")
        app.form.query_one("#refuse", Tick).value = True
        app.form.query_one("#keep", Tick).value = True
        app.form.query_one("#others", TextArea).text = "-L 8081:web:81\n-X 3"
        await until(pilot, lambda: "line 2" in app.result())
        app.form.query_one("#others", TextArea).text = "-L 8081:web:81\n"
        await until(pilot, lambda: "-L 8080:web:80 -L 8081:web:81 db-1" in app.result())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.answers)
    assert app.answer.keep
    assert app.answer.rule == Rule(
        "db-1-web-80",
        "db-1",
        (parse_forward(Kind.LOCAL, "8080:web:80"), parse_forward(Kind.LOCAL, "8081:web:81")),
        "the shop",
        ("prod", "shop"),
        "cyan",
        Start.HOST,
        "shops",
        Meanwhile.REFUSE,
        Probe(ProbeKind.HTTP, "/health", 30.0),
    )


@pytest.mark.parametrize("rule", [ORDERS, METRICS])
async def test_a_rule_comes_out_of_the_form_as_it_went_in(rule: Rule) -> None:
    app = FormApp(rule=rule)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: rule.host in app.result())
        assert not app.field("host").disabled, "a rule may move to another host"
        assert app.form.query_one(".forward-more").display
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.answers)
    assert app.answer.rule == rule
    assert app.answer.forwards == rule.forwards
    assert app.answer.keep
    assert not app.answer.start
