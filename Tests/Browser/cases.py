"""What the suites share: a server with the flows of this folder, and a browser that looks at it."""

import tempfile
import unittest

from browser import Browser, Server


class BrowserCase(unittest.TestCase):
    """One server and one browser for all tests of a suite."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = cls.make_server()
        cls.addClassCleanup(cls.server.stop)
        cls.browser = Browser(cls.server)
        cls.addClassCleanup(cls.browser.stop)

    @classmethod
    def make_server(cls):
        return Server(cls.folder.name)


class LoggedInCase(BrowserCase):
    """Each test begins logged in, at 1440 pixels, and ends without a fault in the page."""

    def setUp(self):
        self.browser.screen(1440)
        self.browser.log_in()

    def tearDown(self):
        self.assertEqual(self.browser.faults(), [])
