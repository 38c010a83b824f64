"""Two ways to use a page: by a pointer, and by keys alone."""

from browser import Keys


class Pointer:
    def __init__(self, browser):
        self.browser = browser

    def press(self, selector, text=None):
        self.browser.click(selector, text)

    def write(self, label, text):
        self.browser.field(label).send_keys(text)

    def choose(self, label, option):
        self.browser.choose(label, option)

    def tick(self, label):
        self.browser.field(label).click()


class Keyboard:
    """Comes to each control by Tab, and by the arrows within a row of tabs, as somebody does who has no pointer."""

    def __init__(self, browser):
        self.browser = browser

    def reach(self, element):
        """Presses Tab until an element has the focus, and looks that it can be seen that it has."""
        is_there = "return document.activeElement === arguments[0]"
        for _ in range(80):
            if self.browser.js(is_there, element):
                ring = self.browser.js("""
                    const style = getComputedStyle(document.activeElement);
                    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && document.activeElement.matches(':focus-visible')""")
                if not ring:
                    raise AssertionError(f"no ring around {element.get_attribute('outerHTML')[:120]}")
                return
            self.browser.press(Keys.TAB)
        raise AssertionError(f"Tab does not come to {element.get_attribute('outerHTML')[:200]}")

    def press(self, selector, text=None):
        element = self.browser.one(selector, text)
        if element.get_attribute("role") == "tab":
            self.reach(self.browser.one("[role=tab][aria-selected=true]"))
            for _ in range(8):
                if self.browser.js("return document.activeElement === arguments[0]", element):
                    return
                self.browser.press(Keys.ARROW_RIGHT)
            raise AssertionError(f"arrows do not come to the tab {text}")
        self.reach(element)
        self.browser.press(Keys.ENTER)

    def write(self, label, text):
        self.reach(self.browser.field(label))
        self.browser.press(text)

    def choose(self, label, option):
        self.reach(self.browser.field(label))
        self.browser.press(option)

    def tick(self, label):
        self.reach(self.browser.field(label))
        self.browser.press(Keys.SPACE)
