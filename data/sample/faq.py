"""Questions that the shop is asked, and its answers."""

from __future__ import annotations

import pyarrow as pa

from core.events import FAQ

QUESTIONS: tuple[tuple[str, str], ...] = (
    ("How long does shipping take?", "Standard shipping takes three to five business days in the lower 48 states, and six to nine to Alaska and Hawaii."),
    ("Is shipping free?", "Standard shipping is free on orders over $35. Below that it costs $4.95."),
    ("Do you offer express delivery?", "Yes. Choose two-day delivery at checkout for $9.95, or next-day in most cities for $17.95, when you order before 1 pm."),
    ("Can I pick up my order in a store?", "No, we have no stores. You can have a parcel held at a carrier location near you; choose it at checkout."),
    ("Do you ship to Alaska and Hawaii?", "Yes, at the same price. Items over 50 pounds carry a surcharge that is shown before you pay."),
    ("Do you ship outside the United States?", "Not yet. We ship to all 50 states and the District of Columbia."),
    ("How do I track my order?", "Open Orders in your account and select Track. The link in the shipping email leads to the same page."),
    ("My tracking says delivered, but nothing arrived.", "Look around the door and ask your neighbors; carriers sometimes scan early. If it has not turned up after two days, write to us and we will send it again or refund you."),
    ("Can I change my delivery address after ordering?", "Within one hour, yes: open the order and select Edit address. After that the parcel is already being packed."),
    ("Can I cancel my order?", "You can cancel until the parcel is packed, usually one to two hours after you order. After that, refuse the parcel or send it back for free."),
    ("What is your return policy?", "You have 60 days to send back anything that is unused, and 30 days for electronics. Running shoes may be worn for 30 days."),
    ("How do I start a return?", "Open the order, select Return items, print the label or show the QR code, and drop the parcel off. No box needed at most locations."),
    ("How long does a refund take?", "We refund you within two business days after the parcel reaches us. Your bank may take up to five more."),
    ("Who pays for return shipping?", "We do, for the first return of every order. A second return of the same order costs $3.95."),
    ("Can I exchange an item for another size?", "Yes. Choose Exchange instead of Return and we will send the other size as soon as the carrier scans your parcel."),
    ("My item arrived damaged. What now?", "We are sorry. Send us a photo within 14 days, and we will replace the item; you do not need to return it."),
    ("Which payment methods do you accept?", "All major credit and debit cards, PayPal, Apple Pay, Google Pay, and our gift cards."),
    ("Why was my card declined?", "Most often the billing address does not match what the bank has on file. Check it, try once more, or use another card."),
    ("The checkout on my phone does not load. What can I do?", "Close the page and open it again, or switch from Wi-Fi to mobile data. If it still fails, finish the order on a computer; your cart is kept."),
    ("Is it safe to save my card?", "Yes. Card numbers are kept by our payment provider, never by us, and every payment is confirmed by your bank."),
    ("Do you charge sales tax?", "Yes, where your state requires it. The exact amount is shown before you pay."),
    ("How do I use a promo code?", "Enter it in the box below your cart and select Apply. One code can be used for each order."),
    ("Can I combine promo codes?", "No, only one code an order. Free shipping always applies on top."),
    ("Do you match prices?", "We match the price of large US retailers for identical items in stock. Send us the link within 7 days after you buy."),
    ("Do you sell gift cards?", "Yes, from $10 to $500, by email or as a printed card. They never expire."),
    ("Do you gift wrap?", "Yes, for $3.95 an item. Tick the gift box in your cart; you can add a note, and no price is printed."),
    ("Will my gift arrive before the holiday?", "The product page shows the latest day to order. For Mother's Day and Valentine's Day, order three business days ahead."),
    ("An item is out of stock. When will it be back?", "Select Notify me on its page. Most items return within two to four weeks; we write to you the hour they do."),
    ("Can I reserve an item that is out of stock?", "No, but those who asked to be notified can order a day before everybody else."),
    ("How does Subscribe and Save work?", "Choose how often you want an item and save 10 percent each time. Skip, change or stop any time before the next parcel is packed."),
    ("How do I cancel a subscription?", "Open Subscriptions in your account, select the item, then Cancel. It takes effect at once."),
    ("Do I need an account to order?", "No, you can check out as a guest. With an account you can track, return and reorder more easily."),
    ("I forgot my password.", "Select Forgot password on the sign-in page. The link we email works for one hour."),
    ("How do I delete my account?", "Open Settings, Privacy, Delete account. We erase your data within 30 days, save for invoices that the law makes us keep."),
    ("How do I find the right shoe size?", "Each shoe has a size chart measured by us. If you are between sizes, take the larger; for wide feet, choose Wide."),
    ("Are reviews checked?", "Only people who bought an item from us can review it. We remove insults and private data, nothing else, and never because of a low rating."),
    ("How long is the warranty?", "At least one year on everything; many brands give more. The product page says how long."),
    ("My earbuds do not charge. What should I try?", "Clean the contacts with a dry cloth, leave the case plugged in for 30 minutes, and update the firmware in the app. If that fails, we replace them under warranty."),
    ("How do I stop marketing emails?", "Select Unsubscribe at the bottom of any of them. Emails about your orders still come."),
    ("How can I reach customer service?", "By chat or phone every day from 8 am to 10 pm Eastern, or by email; we answer within a day."),
)  # fmt: skip


def faq() -> pa.Table:
    """Return the questions and answers."""
    questions, answers = zip(*QUESTIONS, strict=True)
    return pa.table({"question": questions, "answer": answers}, schema=FAQ)
