"""The page of the library vertical."""

import streamlit as st

st.title("Library")
