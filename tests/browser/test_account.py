"""One's own account: the second factor's picture says what its text says."""

import numpy as np
import zxingcpp
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab

GREY = """async (svg) => {
  const image = new Image();
  image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(svg));
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  return [image.width, Array.from(pixels).filter((_, index) => index % 4 === 0)];
}"""


def test_an_authenticator_reads_the_second_factor_from_the_picture(open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="dark").open("/account")
    tab.page.get_by_role("button", name="Set up an authenticator").click()
    picture = tab.page.get_by_role("img", name="QR code for an authenticator")
    expect(picture).to_be_visible()
    uri = tab.page.get_by_role("link", name="Open in an authenticator on this device").get_attribute("href")
    secret = tab.page.locator("code.ms-secret").inner_text()
    width, grey = picture.locator("svg").evaluate(GREY)
    (read,) = zxingcpp.read_barcodes(np.array(grey, dtype=np.uint8).reshape(-1, width))
    assert read.text == uri
    assert uri is not None
    assert uri.startswith("otpauth://totp/")
    assert f"secret={secret}" in uri
    assert not tab.troubles
